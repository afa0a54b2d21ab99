"""What could only fail at the end is refused at the beginning, and nothing that is no result of ours is replaced or removed."""

import os
import stat
import subprocess
import threading

import numpy as np
import onnx
import pytest
from models import two_convolutions
from onnx import TensorProto, numpy_helper
from PIL import Image
from support import QUICK, complaints, draw_pictures, listing, quantize, report_of, start

USAGE, MODEL, DATA, OUTPUT = 2, 3, 4, 5


def refused_at_once(ended, code, *words):
    """One line, said before anything was computed: with -v, every step would say something."""
    [line] = complaints(ended)
    assert line.startswith("error: ")
    for word in words:
        assert str(word) in line
    assert (ended.returncode, ended.stdout) == (code, "")


@pytest.mark.parametrize("option", ["--save-assignment", "--export-encodings"])
def test_a_missing_folder_is_named_whichever_file_goes_there(program, job, tmp_path, option):
    where = tmp_path / "nowhere" / "file.json"
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", "-o", tmp_path / "out.onnx", option, f"aimet:{where}" if "export" in option else where)
    refused_at_once(ended, OUTPUT, where.parent, option)
    assert listing(tmp_path) == []


def test_a_model_that_is_not_there_is_named_rather_than_the_folder_of_its_result(program, job, tmp_path):
    for command in ([], ["sensitivity"]):
        ended = start(program, *command, "modles/net.onnx", "--calib", job[1], "-O0", "-v", cwd=tmp_path)
        refused_at_once(ended, MODEL, "cannot read modles/net.onnx")


@pytest.mark.parametrize("option", ["-o", "--save-assignment"])
def test_nothing_goes_to_standard_output(program, job, tmp_path, option):
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", option, "-", cwd=tmp_path)
    refused_at_once(ended, USAGE, "'-': nothing is written to standard output")
    assert listing(tmp_path) == []


@pytest.mark.parametrize(("option", "name", "output"), [
    ("--assignment", "keep.report.json", "keep.onnx"), ("--config", "job.json", "job.json"), ("--import-encodings", "keep.report.md", "keep.onnx")])
def test_nothing_that_is_read_is_written_over(program, job, tmp_path, option, name, output):
    (tmp_path / name).write_text("# kept\n", encoding="utf-8")
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", "-o", tmp_path / output, option, tmp_path / name)
    refused_at_once(ended, USAGE, option, f"would overwrite {option}", name)
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in listing(tmp_path)} == {name: "# kept\n"}


def test_no_result_takes_the_name_of_a_report(program, job, tmp_path):
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", "-o", tmp_path / "out.onnx", "--save-assignment", tmp_path / "out.report.json")
    refused_at_once(ended, USAGE, "--save-assignment", "out.report.json")
    assert listing(tmp_path) == []


@pytest.mark.parametrize(("words", "name"), [
    ([], "pictures/picture_00.png"), ([], "first.report.json"), ([], "notes.json"), (["calibrate"], "first.onnx"), (["calibrate"], "first.report.json"),
    (["sensitivity"], "first.onnx"), (["--save-assignment"], "first.onnx"), (["--export-encodings"], "page.html"), (["report"], "first.report.html"),
    (["report"], "first.onnx"), (["merge"], "first.onnx")])
def test_no_file_of_another_kind_is_written_over(program, job, tmp_path, words, name):
    draw_pictures(tmp_path / "pictures")
    for file in (name, "first.report.json"):
        if not (tmp_path / file).exists():
            (tmp_path / file).write_text("kept", encoding="utf-8")
    before = {path: (tmp_path / path).read_bytes() for path in listing(tmp_path) if (tmp_path / path).is_file()}
    what, where = [job[0], "--calib", tmp_path / "pictures", *QUICK], tmp_path / name
    if words in (["report"], ["merge"]):
        command = [*words, tmp_path / "first.report.json", "-o", where]
    elif words and words[0].startswith("--"):
        command = [*what, "-v", "-o", tmp_path / "out.onnx", *words, f"aimet:{where}" if "export" in words[0] else where]
    else:
        command = [*words, job[0], "--calib", tmp_path / "pictures", "-O0", "-v", "-o", where]
    refused_at_once(start(program, *command), USAGE, name, "named like")
    assert {path: (tmp_path / path).read_bytes() for path in listing(tmp_path) if (tmp_path / path).is_file()} == before


def test_one_picture_cannot_be_divided(program, job, tmp_path):
    one = draw_pictures(tmp_path / "one", count=1)
    words = [job[0], "--calib", one, *QUICK, "-v", "-o", tmp_path / "out.onnx"]
    refused_at_once(start(program, *words), DATA, one, "--test DIR")
    ended = start(program, *words, "--test", job[1], "--reach", "psnr=20")
    refused_at_once(ended, DATA, "--reach", one, "--samples")
    assert "--test" not in ended.stderr
    quantize(program, job[0], one, tmp_path / "out.onnx", "--test", job[1])


def test_labels_are_looked_for_before_the_run(program, job, tmp_path):
    test = draw_pictures(tmp_path / "test", count=2)
    (tmp_path / "labels").mkdir()
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "labels" / f"{sorted(test.iterdir())[0].stem}.png")
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", "-o", tmp_path / "out.onnx", "--test", test, "--labels", tmp_path / "labels")
    refused_at_once(ended, DATA, f"{sorted(test.iterdir())[1].stem}.png")


def test_a_model_that_comes_through_a_pipe_is_refused(program, job, tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    refused_at_once(start(program, tmp_path / "pipe.onnx", "--calib", job[1], *QUICK, "-o", tmp_path / "out.onnx"), MODEL, "pipe.onnx", "as a file")


def test_the_table_of_sensitivity_is_no_page(program, job, tmp_path):
    refused_at_once(start(program, "sensitivity", job[0], "--calib", job[1], "-O0", "-v", "-o", tmp_path / "table.html"), USAGE, ".json")


def test_encodings_and_a_search_for_them_exclude_each_other(program, job, tmp_path):
    ended = start(program, "apply", job[0], "-O0", "--reach", "psnr=20", "--statistics", tmp_path / "s.json", "--encodings", tmp_path / "e.json",
                  "-o", tmp_path / "out.onnx")
    refused_at_once(ended, USAGE, "--reach", "--encodings")


@pytest.mark.parametrize("command", ["quantize", "report"])
def test_a_pipe_is_never_replaced_by_a_file(program, job, tmp_path, command):
    quantize(program, *job, tmp_path / "first.onnx")
    os.mkfifo(tmp_path / "pipe")
    reader = threading.Thread(target=lambda: open(tmp_path / "pipe", "rb").read(), daemon=True)  # who opens it to write is not kept waiting
    reader.start()
    words = [job[0], "--calib", job[1], *QUICK] if command == "quantize" else ["report", tmp_path / "first.report.json"]
    ended = start(program, *words, "-o", tmp_path / "pipe")
    assert (ended.returncode, "not a regular file" in ended.stderr) == (OUTPUT, True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_folder_of_the_users_whose_name_begins_like_ours_stays(program, job, tmp_path):
    (tmp_path / ".quantize-mine").mkdir()
    (tmp_path / ".quantize-mine" / "precious").touch()
    quantize(program, *job, tmp_path / "out.onnx")
    assert ".quantize-mine/precious" in listing(tmp_path)


def test_a_dot_in_a_name_is_part_of_it(program, job, tmp_path):
    quantize(program, *job, tmp_path / "net.first")
    quantize(program, *job, tmp_path / "net.second")
    assert {"net.first.report.json", "net.second.report.json"} <= set(listing(tmp_path))


def test_an_unreadable_test_picture_is_reported_where_it_belongs(program, job, tmp_path):
    test = draw_pictures(tmp_path / "test", count=2)
    (test / "broken.png").write_bytes(b"no picture")
    quantize(program, *job, tmp_path / "out.onnx", "--test", test)
    report = report_of(tmp_path / "out.onnx")
    assert report["calibration"]["skipped"] == []
    assert "broken.png" in report["test"]["skipped"][0]


def test_labels_of_other_classes_give_no_figure(program, job, tmp_path):
    test = draw_pictures(tmp_path / "test", count=1)
    (tmp_path / "labels").mkdir()
    Image.fromarray(np.full((32, 32), 200, np.uint8)).save(tmp_path / "labels" / f"{sorted(test.iterdir())[0].stem}.png")
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-o", tmp_path / "out.onnx", "--test", test, "--labels", tmp_path / "labels", "--max-miou-drop", "0")
    assert ended.returncode == 8  # what was not measured misses its gate
    assert "no pixel of the labels" in ended.stderr
    assert report_of(tmp_path / "out.onnx")["accuracy"].get("miou_fp32") is None


def test_what_cannot_be_said_is_no_success(program, job):
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run([program, "inspect", job[0]], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, "standard output" in ended.stderr) == (OUTPUT, True)


def test_a_share_of_values_is_a_method_of_its_own(program, job, tmp_path):
    for name, words in {"plain": [], "share": ["--percentile", "99.2"], "method": ["--method", "percentile", "--percentile", "99.2"]}.items():
        quantize(program, *job, tmp_path / f"{name}.onnx", *words)
    files = {name: (tmp_path / f"{name}.onnx").read_bytes() for name in ("plain", "share", "method")}
    assert files["share"] == files["method"] != files["plain"]
    job_words = [job[0], "--calib", job[1]]
    refused_at_once(start(program, *job_words, "--percentile", "99.2", "--method", "mse", "-o", tmp_path / "no.onnx"), USAGE, "--percentile")
    refused_at_once(start(program, *job_words, "--scale", "0", "-o", tmp_path / "no.onnx"), USAGE, "--scale")


def test_a_target_that_gives_floats_quantizes_no_outputs(program, job, tmp_path):
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-v", "--target", "tensorrt", "--quantize-outputs", "-o", tmp_path / "out.onnx")
    refused_at_once(ended, USAGE, "--quantize-outputs")


def test_half_precision_has_no_integers_to_give(program, job, tmp_path):
    model = onnx.load(two_convolutions(tmp_path / "half.onnx"))
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save(model, tmp_path / "half.onnx")
    ended = start(program, tmp_path / "half.onnx", "--calib", job[1], *QUICK, "--output-dtype", "int", "-o", tmp_path / "out.onnx")
    assert (ended.returncode, "--output-dtype int" in ended.stderr) == (USAGE, True)
