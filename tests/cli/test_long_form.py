"""calibrate, merge, encode, apply: the parts make the same bytes as the whole, and refuse what does not belong to them."""

import json

import jsonschema
import onnx
import pytest
import referencing
from conftest import ROOT
from models import two_convolutions
from support import complaints, draw_pictures, listing, report_of, start

USAGE, DATA, MISSED = 2, 4, 8
DEMO = ROOT / "data" / "demo"
QUIET = ["--latency-runs", "0", "--pictures", "0"]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    draw_pictures(folder / "test", count=3)
    return two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures", count=11)


def done(program, *words):
    run = start(program, *words)
    assert run.returncode == 0, run.stderr
    return run


def refused(program, *words, code=DATA, saying=()):
    run = start(program, *words)
    [line] = complaints(run)
    assert run.returncode == code, line
    for word in saying:
        assert str(word) in line
    return line


def follows_schema(value, name):
    schemas = {kind: json.loads((ROOT / "data" / f"{kind}.schema.json").read_text(encoding="utf-8")) for kind in ("statistics", "encodings")}
    registry = referencing.Registry().with_resources([(schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas.values()])
    jsonschema.Draft202012Validator(schemas[name], registry=registry).validate(value)


@pytest.mark.parametrize(("scheme", "level"), [("w8a8", "-O0"), ("w8a8", "-O1"), ("w4a16", "-O0"), ("w4a16", "-O1")])
def test_the_parts_make_the_same_model_as_the_whole(program, job, tmp_path, scheme, level):
    model, images = job
    settings = [model, "--calib", images, "--scheme", scheme, level, *QUIET]
    done(program, *settings, "-o", tmp_path / "whole.onnx")
    done(program, "calibrate", *settings, "-o", tmp_path / "s.json")
    done(program, "apply", *settings, "--statistics", tmp_path / "s.json", "-o", tmp_path / "statistics.onnx")
    done(program, "encode", *settings, "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json")
    fitted_with = [] if level == "-O0" else ["--statistics", tmp_path / "s.json"]
    done(program, "apply", *settings, "--encodings", tmp_path / "e.json", *fitted_with, "-o", tmp_path / "encodings.onnx")
    whole = (tmp_path / "whole.onnx").read_bytes()
    assert (tmp_path / "statistics.onnx").read_bytes() == whole
    assert (tmp_path / "encodings.onnx").read_bytes() == whole
    follows_schema(json.loads((tmp_path / "s.json").read_text(encoding="utf-8")), "statistics")
    follows_schema(json.loads((tmp_path / "e.json").read_text(encoding="utf-8")), "encodings")


def test_without_optimization_no_images_are_needed_to_apply(program, job, tmp_path):
    model, images = job
    done(program, model, "--calib", images, "-O0", *QUIET, "-o", tmp_path / "whole.onnx")
    done(program, "calibrate", model, "--calib", images, "-O0", "-o", tmp_path / "s.json")
    done(program, "encode", model, "--statistics", tmp_path / "s.json", "-O0", "-o", tmp_path / "e.json")
    run = done(program, "apply", model, "--encodings", tmp_path / "e.json", "-O0", *QUIET, "-o", tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    assert "Not measured" in run.stdout
    refused(program, "apply", model, "--encodings", tmp_path / "e.json", "-O1", code=USAGE, saying=["--statistics", "-O0"])
    refused(program, "apply", model, "--statistics", tmp_path / "s.json", "-O1", code=USAGE, saying=["-O1", "--calib"])


@pytest.mark.parametrize("level", ["-O0", "-O1"])
def test_shards_merge_to_the_bytes_of_one_run(program, job, tmp_path, level):
    model, images = job
    (images / "picture_99.png").write_bytes(b"no picture")
    try:
        settings = ["calibrate", model, "--calib", images, level, "--samples", "10"]
        done(program, *settings, "-o", tmp_path / "whole.json")
        for part in (1, 2, 3):
            done(program, *settings, "--shard", f"{part}/3", "-o", tmp_path / f"{part}.json")
    finally:
        (images / "picture_99.png").unlink()
    done(program, "merge", *(tmp_path / f"{part}.json" for part in (3, 1, 2)), "-o", tmp_path / "merged.json")
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    done(program, "merge", tmp_path / "2.json", tmp_path / "3.json", "-o", tmp_path / "some.json")
    follows_schema(json.loads((tmp_path / "some.json").read_text(encoding="utf-8")), "statistics")
    done(program, "merge", tmp_path / "1.json", tmp_path / "some.json", "-o", tmp_path / "merged.json")
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_shards_run_their_own_samples_whatever_trials_have_seen(program, tmp_path):
    """With enough pictures, those that equalization was tried on count as calibrated on: of all samples, not of a shard's."""
    settings = ["calibrate", DEMO / "model.onnx", "--calib", DEMO / "calib", "-O1", "--samples", "24"]
    done(program, *settings, "-o", tmp_path / "whole.json")
    for part in (1, 2):
        done(program, *settings, "--shard", f"{part}/2", "-o", tmp_path / f"{part}.json")
    done(program, "merge", tmp_path / "1.json", tmp_path / "2.json", "-o", tmp_path / "merged.json")
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_more_shards_than_samples_are_no_trouble(program, job, tmp_path):
    settings = ["calibrate", job[0], "--calib", job[1], "-O0", "--samples", "3"]
    done(program, *settings, "-o", tmp_path / "whole.json")
    for part in range(1, 6):
        done(program, *settings, "--shard", f"{part}/5", "-o", tmp_path / f"{part}.json")
    done(program, "merge", *(tmp_path / f"{part}.json" for part in range(1, 6)), "-o", tmp_path / "merged.json")
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/3x", "-1/3"])
def test_a_shard_that_is_none_is_refused(program, job, shard):
    refused(program, "calibrate", job[0], "--calib", job[1], f"--shard={shard}", code=USAGE, saying=["--shard", "3/16"])


@pytest.fixture(scope="module")
def kept(program, job, tmp_path_factory):
    """Statistics in two shards, whole statistics and encodings."""
    folder = tmp_path_factory.mktemp("kept")
    for words in (["calibrate", *job_words(job), "-o", folder / "s.json"], ["calibrate", *job_words(job), "--shard", "1/2", "-o", folder / "half.json"],
                  ["encode", *job_words(job), "--statistics", folder / "s.json", "-o", folder / "e.json"]):
        done(program, *words)
    return folder


def job_words(job):
    return [job[0], "--calib", job[1], "-O0"]


def test_what_is_stale_or_foreign_is_refused_with_the_reason(program, job, kept, tmp_path):
    model, images = job
    other = two_convolutions(tmp_path / "other.onnx", inputs={"x": [1, 3, 32, 32]}, outputs={"y": [1, 4, 32, 32]})
    changed = onnx.load(other)
    changed.producer_name = "another"
    onnx.save(changed, other)
    for kind in ("statistics", "encodings"):
        file = [f"--{kind}", kept / f"{kind[0]}.json"]
        refused(program, "apply", other, "--calib", images, "-O0", *file, saying=[kept, "another model"])
        refused(program, "apply", model, "--calib", images, "-O0", "--scheme", "w4a16", *file, saying=["--scheme w8a8", "w4a16"])
        refused(program, "apply", model, "--calib", images, "-O0", "--samples", "4", *file, saying=["other images"])
        refused(program, "apply", model, "--calib", images, "-O0", "--test", images.parent / "test", *file, saying=["other images", "--test and --holdout"])
        refused(program, "apply", model, "--calib", images, "-O0", "--preprocess", "unit", *file, saying=["--mean 0.485,0.456,0.406", "this run has 0"])
    refused(program, "apply", model, "-O0", "--exclude", "conv2", "--statistics", kept / "s.json", saying=["without --exclude, this run has --exclude conv2"])
    refused(program, "apply", model, "-O0", "--statistics", kept / "half.json", saying=["1 of 2 shards", "merge"])
    refused(program, "merge", kept / "half.json", kept / "half.json", "-o", tmp_path / "m.json", saying=["shard 1", "already"])
    refused(program, "merge", kept / "half.json", kept / "s.json", "-o", tmp_path / "m.json", saying=["s.json", "division"])
    refused(program, "apply", model, "-O0", "--statistics", kept / "e.json", saying=["no quantize statistics"])
    assert listing(tmp_path) == ["other.onnx"]


def test_encodings_of_another_scheme_or_assignment_are_refused(program, job, tmp_path):
    """Of one graph they tell nothing apart: W8A16 and W4A16 need the same opset."""
    bits, words = tmp_path / "bits.json", [*job_words(job), *QUIET]
    done(program, *words, "--scheme", "w4a16", "-o", tmp_path / "whole.onnx", "--save-assignment", bits)
    done(program, "calibrate", *job_words(job), "--scheme", "w8a16", "-o", tmp_path / "s.json")
    done(program, "encode", *job_words(job), "--scheme", "w8a16", "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json")
    refused(program, "apply", *words, "--scheme", "w4a16", "--encodings", tmp_path / "e.json", "-o", tmp_path / "out.onnx", saying=["--scheme w8a16", "w4a16"])
    refused(program, "apply", *words, "--scheme", "w8a16", "--cpu", "vnni", "--encodings", tmp_path / "e.json", "-o", tmp_path / "out.onnx", saying=["without --cpu, this run has --cpu vnni"])
    done(program, "apply", *words, "--scheme", "w4a16", "--statistics", tmp_path / "s.json", "-o", tmp_path / "out.onnx")  # of the float model's values
    assert (tmp_path / "out.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    assignment = json.loads(bits.read_text(encoding="utf-8"))
    same, output = [*words, "--scheme", "w4a16", "--assignment", bits], ["-o", tmp_path / "out.onnx"]
    bits.write_text(json.dumps({**assignment, "weights": {**assignment["weights"], "conv1": 8}}), encoding="utf-8")
    done(program, "encode", *same, "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json")
    bits.write_text(json.dumps({"weights": {"conv1": 8}, **{key: assignment[key] for key in ("format", "version")}}, indent=8), encoding="utf-8")
    done(program, "apply", *same, "--encodings", tmp_path / "e.json", *output)  # the same, written down otherwise
    bits.write_text(json.dumps(assignment), encoding="utf-8")
    refused(program, "apply", *same, "--encodings", tmp_path / "e.json", *output, saying=["--assignment 1 exception (", "this run does without"])


def test_other_preprocessing_is_refused_where_there_are_no_images_to_tell_it(program, job, tmp_path):
    done(program, "calibrate", *job_words(job), "--preprocess", "unit", "-o", tmp_path / "s.json")
    for part in ("apply", "encode"):
        words = [part, job[0], "-O0", "--statistics", tmp_path / "s.json", "-o", tmp_path / "out", *QUIET]
        refused(program, *words, saying=["s.json", "--mean 0, this run has 0.485,0.456,0.406"])
        done(program, *words, "--preprocess", "unit")


def test_an_option_that_is_missing_now_is_the_reason(program, job, tmp_path):
    done(program, "calibrate", *job_words(job), "--exclude-regex", "conv2", "-o", tmp_path / "s.json")
    refused(program, "encode", job[0], "-O0", "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json", saying=["--exclude-regex conv2, this run does without"])


def test_what_decides_the_values_is_asked_before_the_data(program, job, tmp_path):
    words = [*job_words(job), *QUIET, "--statistics", tmp_path / "s.json", "-o", tmp_path / "out.onnx"]
    done(program, "calibrate", *job_words(job), "-o", tmp_path / "s.json")
    refused(program, "apply", *words, "--reach", "psnr=10", saying=["without --reach, this run has --reach;"])


def test_another_type_of_outputs_is_the_reason(program, job, tmp_path):
    done(program, "calibrate", *job_words(job), "-o", tmp_path / "s.json")
    words = ["apply", *job_words(job), *QUIET, "--statistics", tmp_path / "s.json", "-o", tmp_path / "out.onnx"]
    refused(program, *words, "--output-dtype", "int", saying=["without --output-dtype, this run has --output-dtype int"])


def test_files_of_an_earlier_version_are_said_to_be(program, job, kept, tmp_path):
    earlier = json.loads((kept / "s.json").read_text(encoding="utf-8"))
    for name in ("scale", "mean", "std", "color", "layout", "resize"):
        del earlier["origin"]["settings"][name]
    (tmp_path / "s.json").write_text(json.dumps(earlier), encoding="utf-8")
    refused(program, "encode", job[0], "-O0", "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json", saying=["earlier version", "make it again"])


def test_no_part_writes_over_what_it_reads(program, job, kept, tmp_path):
    """What is read may be all that is left of hours of work."""
    (tmp_path / "link.json").symlink_to(kept / "s.json")
    before = {name: (kept / name).read_bytes() for name in listing(kept)}
    refused(program, "encode", job[0], "-O0", "--statistics", kept / "s.json", "-o", tmp_path / "link.json", code=USAGE, saying=["-o", "--statistics"])
    refused(program, "apply", job[0], "-O0", "--statistics", kept / "s.json", "-o", kept / "s.json", code=USAGE, saying=["-o", "--statistics"])
    refused(program, "apply", job[0], "-O0", "--encodings", kept / "e.json", "-o", kept / "e.json", code=USAGE, saying=["-o", "--encodings"])
    refused(program, "merge", kept / "s.json", "-o", kept / "s.json", code=USAGE, saying=["-o", "s.json"])
    config = tmp_path / "job.toml"
    config.write_text("# kept\n", encoding="utf-8")
    refused(program, "merge", kept / "s.json", "--config", config, "-o", config, code=USAGE, saying=["-o", "job.toml"])
    done(program, job[0], *job_words(job)[1:], *QUIET, "-o", tmp_path / "out.onnx")
    report = tmp_path / "out.report.json"
    text = report.read_bytes()
    refused(program, "report", report, "-o", report, "-q", code=USAGE, saying=["-o", report])
    refused(program, "report", report, "--config", config, "-o", config, code=USAGE, saying=["-o", config])
    assert config.read_text(encoding="utf-8") == "# kept\n"
    assert report.read_bytes() == text
    assert {name: (kept / name).read_bytes() for name in listing(kept)} == before


def test_broken_files_are_refused_by_name(program, job, kept, tmp_path):
    text = (kept / "s.json").read_text(encoding="utf-8")
    for broken in ("", "[]", "{}", text[: len(text) // 2], text.replace('"version": 1', '"version": 99'), text.replace('"count"', '"cuont"')):
        (tmp_path / "broken.json").write_text(broken, encoding="utf-8")
        refused(program, "apply", job[0], "-O0", "--statistics", tmp_path / "broken.json", saying=["broken.json"])


@pytest.fixture
def edited(kept, tmp_path):
    def edit(change):
        value = json.loads((kept / "e.json").read_text(encoding="utf-8"))
        change(value)
        (tmp_path / "edited.json").write_text(json.dumps(value), encoding="utf-8")
        return tmp_path / "edited.json"
    return edit


def test_edited_encodings_are_applied_exactly(program, job, edited, tmp_path):
    def change(value):
        for entry in value["activations"].values():
            entry["scale"] = [0.123]
    done(program, "apply", job[0], "-O0", "--encodings", edited(change), *QUIET, "-o", tmp_path / "out.onnx")
    scales = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "out.onnx").graph.initializer}
    quantizers = [node for node in onnx.load(tmp_path / "out.onnx").graph.node if node.op_type == "QuantizeLinear"]
    assert quantizers
    assert all(float(scales[node.input[1]]) == pytest.approx(0.123, rel=1e-7) for node in quantizers)


@pytest.mark.parametrize(("change", "saying"), [
    (lambda value: value["activations"].popitem(), "no entry"),
    (lambda value: value["activations"].update(nonsense=next(iter(value["activations"].values()))), "nonsense"),
    (lambda value: next(iter(value["activations"].values())).update(scale=[0]), "scale"),
    (lambda value: next(iter(value["activations"].values())).update(scale=["x"]), "number"),
    (lambda value: next(iter(value["activations"].values())).update(bits=16), "bits"),
    (lambda value: next(iter(value["activations"].values())).update(type="int7"), "int7"),
    (lambda value: next(iter(value["activations"].values())).update(zero_point=[256]), "zero point"),
    (lambda value: next(iter(value["weights"].values())).update(axis=1), "axis"),
    (lambda value: next(iter(value["weights"].values()))["scale"].pop(), "as many scales"),
    (lambda value: [entry.update(scale=[1e-30] * len(entry["scale"])) for entry in value["weights"].values()], "overflow")])
def test_encodings_that_cannot_work_are_refused_by_name(program, job, edited, change, saying):
    refused(program, "apply", job[0], "-O0", "--encodings", edited(change), saying=["edited.json", saying])


def test_one_configuration_serves_every_part(program, job, tmp_path):
    config = tmp_path / "job.toml"
    config.write_text(f'calib = "{job[1]}"\nscheme = "w8a16"\noptimize = 0\nmethod = "percentile"\nlatency-runs = 0\n', encoding="utf-8")
    done(program, job[0], "--config", config, "-o", tmp_path / "whole.onnx")
    done(program, "calibrate", job[0], "--config", config, "-o", tmp_path / "s.json")
    done(program, "encode", job[0], "--config", config, "--statistics", tmp_path / "s.json", "-o", tmp_path / "e.json")
    done(program, "apply", job[0], "--config", config, "--encodings", tmp_path / "e.json", "-o", tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()


def test_parts_that_evaluate_nothing_need_no_labels(program, job, tmp_path):
    elsewhere = ("--labels", tmp_path / "on_another_machine")
    done(program, "calibrate", job[0], "--calib", job[1], "-O0", *elsewhere, "-o", tmp_path / "s.json")
    done(program, "encode", job[0], "-O0", "--statistics", tmp_path / "s.json", "--calib", job[1], *elsewhere, "-o", tmp_path / "e.json")


def test_default_outputs_stand_beside_the_model(program, job, tmp_path):
    model = two_convolutions(tmp_path / "my.model.onnx")
    done(program, "calibrate", model, "--calib", job[1], "-O0", "--shard", "2/4")
    done(program, "calibrate", model, "--calib", job[1], "-O0")
    done(program, "encode", model, "-O0", "--statistics", tmp_path / "my.model.w8a8.statistics.json")
    assert listing(tmp_path) == ["my.model.onnx", "my.model.w8a8.encodings.json", "my.model.w8a8.statistics.2of4.json", "my.model.w8a8.statistics.json"]


def test_apply_has_gates_and_a_report_of_test_images(program, job, kept, tmp_path):
    run = start(program, "apply", job[0], "-O0", "--statistics", kept / "s.json", "--test", job[1].parent / "test", *QUIET, "--min-psnr", "500", "-o",
                tmp_path / "out.onnx")
    assert run.returncode == MISSED
    report = report_of(tmp_path / "out.onnx")
    assert (report["test"]["images"], report["calibration"]["images"]) == (3, 0)
    assert report["accuracy"]["psnr_db"] > 20
