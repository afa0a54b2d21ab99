"""Every option of `quantize --help` changes what it says, and nothing else."""

import numpy as np
import onnx
import pytest
from conftest import ROOT
from models import channels_last, count, initializers, save, two_convolutions, two_inputs, weights
from onnx import helper
from support import QUICK, draw_pictures, draw_tensors, listing, quantize, report_of, start

DEMO = ROOT / "data" / "demo"


def pointwise_net(path):
    """A 3x3 convolution to 32 channels, a Relu, and a 1x1 convolution whose input channels differ in weight by far."""
    random = np.random.default_rng(3)
    first = random.normal(0, 0.3, (32, 3, 3, 3)).astype(np.float32)
    second = (random.normal(0, 0.3, (4, 32, 1, 1)) * np.repeat([1, 0.2, 0.05, 0.5], 8).reshape(1, 32, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Conv", ["r", "w2"], ["y"])]
    return save(path, nodes, {"w1": first, "w2": second}, outputs={"y": [None] * 4})


@pytest.fixture
def made(program, job, tmp_path):
    """The bytes of the model that a run with these options writes."""
    def run(*options):
        quantize(program, *job, tmp_path / "out.onnx", *options)
        return (tmp_path / "out.onnx").read_bytes()
    return run


def parsed(data):
    return onnx.load_from_string(data)


def test_dry_run_writes_nothing_and_says_what_would_be(program, job, tmp_path):
    run = start(program, *job[:1], "--calib", job[1], "-o", tmp_path / "out.onnx", "--dry-run")
    assert (run.returncode, run.stderr) == (0, "")
    assert listing(tmp_path) == []
    for word in ("conv1", "conv2", "quantized", "bytes now, about", "nothing was written"):
        assert word in run.stdout


def test_dry_run_foretells_the_size(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", "--dry-run", "--samples", "6")
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx")
    foretold = int(run.stdout.split("about ")[1].split()[0])
    assert "x smaller)" in run.stdout
    assert (tmp_path / "out.onnx").stat().st_size == pytest.approx(foretold, rel=0.015)  # scales that turn out equal share one initializer


@pytest.mark.parametrize("options", [["--without", "weight-zero-points"], ["--target", "openvino"]])
def test_zero_points_of_weights_can_be_left_out(made, options):
    def with_zero_points(data):
        graph = parsed(data).graph
        stored = {tensor.name: tensor for tensor in graph.initializer}
        return [node for node in graph.node if node.op_type == "DequantizeLinear" and len(node.input) > 2 and
                node.input[0] in stored and stored[node.input[2]].data_type == onnx.TensorProto.INT4]

    assert with_zero_points(made("--scheme", "w4a16"))
    assert not with_zero_points(made("--scheme", "w4a16", *options))


def test_default_output_stands_beside_the_model_and_names_the_scheme(program, job, tmp_path):
    model = two_convolutions(tmp_path / "my.model.onnx")
    run = start(program, model, "--calib", job[1], "--scheme", "w8a16", *QUICK)
    assert run.returncode == 0, run.stderr
    assert listing(tmp_path) == ["my.model.onnx", "my.model.w8a16.onnx", "my.model.w8a16.report.html", "my.model.w8a16.report.json"]


def test_a_scheme_may_be_written_in_capitals(program, job, made, tmp_path):
    assert made("--scheme", "W8A16") == made("--scheme", "w8a16")
    model = two_convolutions(tmp_path / "model.onnx")
    run = start(program, model, "--calib", job[1], "--scheme", "W4A16", *QUICK)
    assert run.returncode == 0, run.stderr
    assert "model.w4a16.onnx" in listing(tmp_path)


def test_a_configuration_file_equals_the_options(made, tmp_path):
    (tmp_path / "quantize.toml").write_text(
        'scheme = "w4a16"\nmethod = "percentile"\npercentile = 99.5\nweights = "per-tensor"\nmean = [0.4, 0.5, 0.6]\nexclude = ["conv1"]\n', encoding="utf-8")
    options = ["--scheme", "w4a16", "--method", "percentile", "--percentile", "99.5", "--weights", "per-tensor", "--mean", "0.4,0.5,0.6", "--exclude", "conv1"]
    assert made("--config", tmp_path / "quantize.toml") == made(*options) != made()


def test_the_command_line_overrides_the_configuration(made, tmp_path):
    (tmp_path / "quantize.toml").write_text('scheme = "w4a16"\n', encoding="utf-8")
    assert made("--config", tmp_path / "quantize.toml", "--scheme", "w8a8") == made()


def test_the_report_has_the_settings_as_they_were_typed(program, job, tmp_path):
    typed = {"method": "mse", "weights": "per-tensor", "layout": "nchw", "input-dtype": "uint8-nhwc", "resize": "crop", "color": "bgr", "cpu": "vnni",
             "memory-limit": "8GB", "holdout": "0.30", "activations": "symmetric", "optimize": "0"}
    quantize(program, *job, tmp_path / "out.onnx", *(word for name, value in typed.items() for word in (f"--{name}", value)), quick=QUICK[:-1])
    assert typed.items() <= {entry["name"]: entry["value"] for entry in report_of(tmp_path / "out.onnx")["config"]}.items()


@pytest.mark.parametrize("options", [["--exclude", "conv2"], ["--exclude-op", "Conv"], ["--exclude-regex", "nv[2]$"]])
def test_excluded_nodes_stay_float_and_are_listed_with_the_reason(program, job, tmp_path, options):
    run = start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *QUICK, *options)
    if options == ["--exclude-op", "Conv"]:  # nothing with weights is left
        assert (run.returncode, "every node of" in run.stderr, "is excluded (--exclude" in run.stderr) == (2, True, True)
        return
    [row] = [row for row in report_of(tmp_path / "out.onnx")["decisions"] if row["node"] == "conv2"]
    assert not row["quantized"]
    assert "exclude" in row["reason"]
    model = onnx.load(tmp_path / "out.onnx")
    assert np.array_equal(initializers(model)["w2"], weights()["w2"])
    assert sum(node.op_type == "DequantizeLinear" and node.output[0] == "w2" for node in model.graph.node) == 0


def test_an_excluded_operator_type_leaves_the_others(program, tmp_path):
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--exclude-op", "Resize", "--exclude-op", "Add")
    rows = report_of(tmp_path / "out.onnx")["decisions"]
    assert {row["op_type"] for row in rows if "exclude" in row["reason"]} == {"Resize", "Add"}
    assert all(row["quantized"] for row in rows if row["op_type"] == "Conv")


@pytest.mark.parametrize(("options", "quantized"), [([], False), (["--quantize-outputs"], True)])
def test_outputs_are_rounded_only_on_request(made, options, quantized):
    [maker] = [node.op_type for node in parsed(made(*options)).graph.node if "y" in node.output]
    assert (maker == "DequantizeLinear") == quantized


def test_weights_per_tensor_have_one_scale(made):
    values = initializers(parsed(made("--weights", "per-tensor")))
    scales = {name: value for name, value in values.items() if value.dtype == np.float32}
    assert {value.size for value in scales.values()} == {1}
    assert max(value.size for value in initializers(parsed(made())).values() if value.dtype == np.float32) == 8


def test_symmetric_activations_have_their_zero_in_the_middle(made):
    model = parsed(made("--activations", "symmetric"))
    values = initializers(model)
    points = [values[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert points
    assert all(int(point) == (128 if point.dtype == np.uint8 else 0) for point in points)


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_every_method_makes_a_good_model_of_its_own(program, job, tmp_path, scheme):
    models = {}
    for method in ("minmax", "percentile", "mse", "entropy"):
        share = ["--percentile", "99"] if method == "percentile" else []
        quantize(program, *job, tmp_path / "out.onnx", "--method", method, *share, "--scheme", scheme)
        models[method] = (tmp_path / "out.onnx").read_bytes()
        report = report_of(tmp_path / "out.onnx")
        assert report["accuracy"]["psnr_db"] > 20, method
        assert any(method in row["method"] for row in report["histograms"]), method
    assert models["percentile"] != models["minmax"]
    assert scheme != "w8a8" or len(set(models.values())) == 4  # with 16 bits there is no reason to cut anything off


def test_samples_are_spread_and_counted(program, job, tmp_path):
    for number, total in ((3, 3), (5, 5), (100, 8)):
        quantize(program, *job, tmp_path / "out.onnx", "--samples", number, quick=QUICK[2:])
        report = report_of(tmp_path / "out.onnx")
        assert report["calibration"]["images"] + report["test"]["images"] == total


@pytest.mark.parametrize(("share", "held_out"), [("0.1", 1), ("0.25", 2), ("0.5", 4), ("0.99", 7)])
def test_holdout_is_the_share_that_calibration_does_not_see(program, job, tmp_path, share, held_out):
    quantize(program, *job, tmp_path / "out.onnx", "--holdout", share, quick=QUICK[2:])
    report = report_of(tmp_path / "out.onnx")
    assert (report["test"]["images"], report["calibration"]["images"]) == (held_out, 8 - held_out)


def test_a_number_may_have_a_plus_sign(program, job, tmp_path):
    quantize(program, *job, tmp_path / "out.onnx", "--samples", "+3", "--min-psnr", "+0.5", quick=QUICK[2:])
    report = report_of(tmp_path / "out.onnx")
    assert report["calibration"]["images"] + report["test"]["images"] == 3
    assert report["gates"][0]["threshold"] == 0.5


def test_pictures_are_as_many_as_asked_for(program, job, tmp_path):
    for number in (0, 2):
        quantize(program, *job, tmp_path / "out.onnx", "--pictures", number, "--holdout", "0.5", quick=QUICK[2:])
        assert len(report_of(tmp_path / "out.onnx")["pictures"]) == number


def test_latency_is_measured_as_often_as_asked_for(program, job, tmp_path):
    quantize(program, *job, tmp_path / "out.onnx", "--latency-runs", "7", "--threads", "1", quick=["-O0"])
    latency = report_of(tmp_path / "out.onnx")["latency"]
    assert (latency["runs"], latency["threads"]) == (7, 1)
    assert 0 < latency["fp32"]["p10_ms"] <= latency["fp32"]["median_ms"] <= latency["fp32"]["p90_ms"]


def test_opset_is_raised_on_request(made):
    assert [entry.version for entry in parsed(made("--opset", "21")).opset_import] == [21]
    assert [entry.version for entry in parsed(made("--opset", "13")).opset_import] == [17]


def test_free_dimensions_stay_free(program, job, tmp_path):
    shape = ["batch", 3, "height", "width"]
    model = two_convolutions(tmp_path / "free.onnx", inputs={"x": shape}, outputs={"y": ["batch", 4, "height", "width"]})
    quantize(program, model, job[1], tmp_path / "out.onnx", "--input-shape", "1x3x24x40")
    before, after = onnx.load(model).graph, onnx.load(tmp_path / "out.onnx").graph
    assert (list(before.input), list(before.output)) == (list(after.input), list(after.output))


def test_a_model_that_takes_channels_last_is_fed_so(program, job, tmp_path):
    for layout in ([], ["--layout", "nhwc"]):
        quantize(program, channels_last(tmp_path / "nhwc.onnx"), job[1], tmp_path / "out.onnx", *layout)
        assert report_of(tmp_path / "out.onnx")["accuracy"]["psnr_db"] > 25


def rounds_to_pixels(file):
    """Whether the input is quantized channel by channel."""
    graph = onnx.load(file).graph
    ranks = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    return any(node.op_type == "QuantizeLinear" and ranks[node.input[1]] == 1 for node in graph.node)


@pytest.mark.parametrize("words, expected", [([], True), (["-O0"], False), (["--scheme", "w8a16"], False), (["--target", "qnn"], False),
                                             (["--without", "round-to-pixels"], False), (["--exclude", "first"], False)])
def test_the_input_is_rounded_to_pixels_only_where_that_is_wanted_and_right(program, job, tmp_path, words, expected):
    model = onnx.load(job[0])
    next(node for node in model.graph.node if node.op_type == "Conv").name = "first"
    onnx.save(model, tmp_path / "named.onnx")
    level = [] if "-O0" in words else ["-O1"]
    quantize(program, tmp_path / "named.onnx", job[1], tmp_path / "out.onnx", *words, quick=["--latency-runs", "0", *level])
    assert rounds_to_pixels(tmp_path / "out.onnx") == expected


def test_exchanged_encodings_speak_of_the_models_own_input(program, job, tmp_path):
    quantize(program, job[0], job[1], tmp_path / "out.onnx", "--export-encodings", f"aimet:{tmp_path / 'e.json'}",
             quick=["--latency-runs", "0", "-O1"])
    assert not rounds_to_pixels(tmp_path / "out.onnx")
    assert onnx.load(job[0]).graph.input[0].name in (tmp_path / "e.json").read_text()


def test_an_assignment_of_one_level_serves_another(program, job, tmp_path):
    quantize(program, job[0], job[1], tmp_path / "out.onnx", "--save-assignment", tmp_path / "bits.json", quick=["--latency-runs", "0", "-O1"])
    for level in ("-O0", "-O1"):
        quantize(program, job[0], job[1], tmp_path / "again.onnx", "--assignment", tmp_path / "bits.json", quick=["--latency-runs", "0", level])
    assert (tmp_path / "out.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()


def test_tensors_are_read_from_npy(program, job, tmp_path):
    quantize(program, job[0], draw_tensors(tmp_path / "tensors", (1, 3, 32, 32)), tmp_path / "out.onnx")
    report = report_of(tmp_path / "out.onnx")
    assert (report["calibration"]["images"], report["test"]["images"], report["pictures"]) == (5, 1, [])
    assert not rounds_to_pixels(tmp_path / "out.onnx")  # such values come from no pixels


def test_several_inputs_have_a_folder_each(program, tmp_path):
    draw_pictures(tmp_path / "calib" / "picture")
    draw_tensors(tmp_path / "calib" / "depth", (1, 1, 16, 16))
    for file in (tmp_path / "calib" / "depth").iterdir():
        file.rename(file.with_stem(file.stem.replace("item", "picture")))
    quantize(program, two_inputs(tmp_path / "two.onnx"), tmp_path / "calib", tmp_path / "out.onnx")
    assert report_of(tmp_path / "out.onnx")["accuracy"]["psnr_db"] > 25
    assert count(onnx.load(tmp_path / "out.onnx"), "QuantizeLinear") >= 3


def test_an_output_that_cannot_be_rounded_is_said(program, tmp_path):
    nets = {"y": [], "z": [helper.make_node("Sin", ["y"], ["z"])]}
    warnings = {}
    for last, behind in nets.items():
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"]), *behind]
        model = save(tmp_path / f"{last}.onnx", nodes, {"w": np.ones((2, 3, 1, 1), np.float32)}, outputs={last: [None] * 4})
        quantize(program, model, draw_pictures(tmp_path / "pictures"), tmp_path / f"{last}.q.onnx", "--quantize-outputs")
        warnings[last] = " ".join(report_of(tmp_path / f"{last}.q.onnx")["warnings"])
    assert "--quantize-outputs" not in warnings["y"]
    assert "--quantize-outputs leaves output 'z' float: Sin" in warnings["z"]


def test_blocks_of_input_channels_share_a_scale(program, tmp_path):
    model = pointwise_net(tmp_path / "model.onnx")
    pictures = draw_pictures(tmp_path / "pictures")
    errors = {}
    for size in (0, 8):
        output = tmp_path / f"{size}.onnx"
        quantize(program, model, pictures, output, "--scheme", "w4a16", "--block-size", str(size), "--without", "weight-zero-points")
        errors[size] = report_of(output)["accuracy"]["sqnr_db"]
    blocks = [attribute.i for node in onnx.load(output).graph.node for attribute in node.attribute if attribute.name == "block_size"]
    assert blocks == [8], "the 3x3 convolution keeps a scale per channel"
    assert errors[8] > errors[0] + 1
    assert "int4 in blocks of 8" in {node["weights"] for node in report_of(output)["decisions"]}


@pytest.mark.parametrize("options, words", [(["--scheme", "w8a8"], ["--block-size", "4-bit weights"]),
                                            (["--scheme", "w4a16", "--target", "qnn"], ["target qnn", "--block-size"])])
def test_blocks_where_they_cannot_be_are_refused(program, job, tmp_path, options, words):
    run = start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", "--block-size", "32", *options)
    assert run.returncode == 2
    for word in words:
        assert word in run.stderr
