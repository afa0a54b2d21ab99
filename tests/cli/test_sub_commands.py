"""evaluate, inspect, report, demo, and what all sub-commands share."""

import json
import re

import onnx
import pytest
from conftest import ROOT
from models import two_convolutions
from support import QUICK, draw_pictures, listing, quantize, start

DEMO = ROOT / "data" / "demo"
COMMANDS = ["calibrate", "merge", "encode", "apply", "sensitivity", "evaluate", "inspect", "report", "demo", "batch", "compile", "completions", "man"]


@pytest.fixture(scope="module")
def made(program, tmp_path_factory):
    """A model with its quantized forms and reports."""
    folder = tmp_path_factory.mktemp("made")
    model, images = two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures")
    for scheme in ("w8a8", "w4a16"):
        quantize(program, model, images, folder / f"{scheme}.onnx", "--scheme", scheme)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_sub_command_explains_itself(program, command):
    run = start(program, command, "--help")
    assert (run.returncode, run.stderr) == (0, "")
    for word in (f"quantize {command}", "Examples:", "Exit codes:"):
        assert word in run.stdout
    assert ("--config" in run.stdout) == (command not in ("completions", "man"))  # which have no options


def test_help_lists_every_sub_command(program):
    listed = start(program, "--help").stdout.split("Subcommands:")[1].split("Examples:")[0]
    assert re.findall(r"^  (\S+)", listed, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(("words", "meant"), [(["calibrat", "m.onnx"], "calibrate"), (["m.onnx", "--calb", "d"], "--calib"), (["inspekt", "m.onnx"], "inspect"),
                                              (["apply", "m.onnx", "--statistic=s"], "--statistics"), (["m.onnx", "--scheme", "w8a17"], "w8a16"),
                                              (["m.onnx", "--methd", "mse"], "--method"), (["evalute", "a", "b"], "evaluate")])
def test_mistyped_words_are_answered_with_what_was_probably_meant(program, words, meant):
    run = start(program, *words)
    assert run.returncode == 2
    assert f"did you mean '{meant}'?" in run.stderr


def test_evaluate_finds_the_figures_of_the_run_that_made_the_model(program, made, tmp_path):
    report = json.loads((made / "w8a8.report.json").read_text(encoding="utf-8"))
    quantize(program, made / "model.onnx", made / "pictures", tmp_path / "out.onnx", "--test", made / "pictures")
    expected = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    run = start(program, "evaluate", made / "model.onnx", tmp_path / "out.onnx", "--test", made / "pictures", "--latency-runs", "0")
    assert run.returncode == 0, run.stderr
    report = json.loads((tmp_path / "out.evaluation.report.json").read_text(encoding="utf-8"))
    assert report["accuracy"] == expected["accuracy"]
    assert report["fp32"] == expected["fp32"]
    assert (report["quantized"]["fingerprint"], report["scheme"]) == (expected["quantized"]["fingerprint"], "w8a8")
    assert "out.evaluation.report.html" in listing(tmp_path)
    assert "out.evaluation.onnx" not in listing(tmp_path)
    assert "Nodes" not in run.stdout  # nothing was decided about them


def test_evaluate_has_gates_and_refuses_models_that_do_not_belong_together(program, made, tmp_path):
    words = ["evaluate", made / "model.onnx", made / "w8a8.onnx", "--test", made / "pictures", "--latency-runs", "0", "-o", tmp_path / "e"]
    run = start(program, *words, "--min-psnr", "500")
    assert run.returncode == 8
    assert listing(tmp_path) == ["e.report.html", "e.report.json", "e.report.md", "e.report.xml"]
    assert 'name="compared with FP32"' in (tmp_path / "e.report.xml").read_text(encoding="utf-8")
    words[2] = DEMO / "model.onnx"
    run = start(program, *words)
    assert run.returncode == 3
    assert "model.onnx" in run.stderr


def test_a_model_is_as_good_as_itself(program, made, tmp_path):
    run = start(program, "evaluate", made / "model.onnx", made / "model.onnx", "--test", made / "pictures", "--latency-runs", "0", "-o", tmp_path / "e",
                "--min-agreement", "1", "--min-psnr", "900")
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "e.report.json").read_text(encoding="utf-8"))["scheme"] == "float"


@pytest.mark.parametrize(("file", "scheme"), [("model", "float"), ("w8a8", "w8a8"), ("w4a16", "w4a16")])
def test_inspect_counts_what_is_in_the_file(program, made, file, scheme):
    run = start(program, "inspect", made / f"{file}.onnx", "--json")
    assert run.returncode == 0, run.stderr
    seen, graph = json.loads(run.stdout), onnx.load(made / f"{file}.onnx").graph
    assert seen["scheme"] == scheme
    assert seen["bytes"] == (made / f"{file}.onnx").stat().st_size
    assert sum(entry["tensors"] for entry in seen["stored"].values()) == len(graph.initializer)
    assert len(seen["tensors"]) == sum(node.op_type == "DequantizeLinear" for node in graph.node)
    products = int(scheme == "w8a8")  # the last convolution, 1x1 and with a float result
    assert seen["operators"]["Conv"] == {"nodes": 2 - products, "quantized": 0 if scheme == "float" else 2 - products}
    assert seen["operators"].get("Gemm", {"quantized": 0})["quantized"] == products
    weights = [tensor for tensor in seen["tensors"] if tensor["constant"] and tensor["type"].removeprefix("u") == f"int{scheme[1]}"]
    assert len(weights) == (0 if scheme == "float" else 2)
    for weight in weights:  # the largest value of each channel lies at a limit, so some always do
        assert 0 < weight["at_limits"] < 1
        assert 0 < weight["least_scale"] <= weight["largest_scale"]
    text = start(program, "inspect", made / f"{file}.onnx", "-v")
    assert text.returncode == 0
    assert all(tensor["name"] in text.stdout for tensor in seen["tensors"])


def test_inspect_names_saturated_zero_points(program, made):
    seen = json.loads(start(program, "inspect", made / "w8a8.onnx", "--json").stdout)
    model = onnx.load(made / "w8a8.onnx")
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    points = [int(values[node.input[2]]) for node in model.graph.node if node.op_type == "QuantizeLinear"]
    activations = [tensor for tensor in seen["tensors"] if not tensor["constant"]]
    assert sorted(tensor["zero_point"] for tensor in activations) == sorted(points)
    assert sum(tensor["saturated_zero_points"] for tensor in activations) == sum(point in (0, 255) for point in points) > 0


def test_inspect_refuses_what_is_no_model(program, tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"nonsense")
    run = start(program, "inspect", tmp_path / "no.onnx")
    assert run.returncode == 3
    assert "no.onnx" in run.stderr


def test_report_compares_runs(program, made, tmp_path):
    run = start(program, "report", made / "w8a8.report.json", made / "w4a16.report.json", "-o", tmp_path / "all.html")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["Model", "Scheme"], ["w8a8.onnx", "w8a8"], ["w4a16.onnx", "w4a16"]]
    page = (tmp_path / "all.html").read_text(encoding="utf-8")
    report = json.loads((made / "w8a8.report.json").read_text(encoding="utf-8"))
    assert f"{report['accuracy']['psnr_db']:.2f}" in page
    alone = start(program, "report", made / "w8a8.report.json", "-o", tmp_path / "one.html")
    assert alone.stdout.endswith("(1 run)\n")
    assert "w8a8.onnx" in page and "w4a16.onnx" in page
    assert re.search(r'"pages": \["[^"]*w8a8\.report\.html"', page), "each run leads to its own page"
    assert not re.search(r'(src|href)="https?:', page)


def test_report_refuses_what_is_no_report(program, made, tmp_path):
    (tmp_path / "no.json").write_text("{}", encoding="utf-8")
    run = start(program, "report", made / "w8a8.report.json", tmp_path / "no.json", "-o", tmp_path / "all.html")
    assert run.returncode == 4
    assert "no.json" in run.stderr
    assert listing(tmp_path) == ["no.json"]


def test_demo_runs_the_main_job_on_its_own_model(program, tmp_path):
    run = start(program, "demo", *QUICK, "--pictures", "1", "-o", tmp_path / "demo.onnx", "--min-miou", "0.7")
    assert run.returncode == 0, run.stderr
    assert "Ready to ship" in run.stdout
    assert run.stdout.splitlines()[-1].startswith(f"wrote {tmp_path / 'demo.onnx'}")


def test_colour_is_for_terminals(program, made, tmp_path):
    words = ["-c", f"{program} nothing.onnx --calib {made / 'pictures'}"]
    assert "\x1b[" not in start("sh", *words).stderr
    in_terminal = start("script", "-qec", words[1], "/dev/null")
    without = start("script", "-qec", "NO_COLOR=1 " + words[1], "/dev/null")
    assert in_terminal.returncode == without.returncode == 3
    assert "\x1b[31m" in in_terminal.stdout
    assert not re.search(r"\x1b\[[0-9;]*m", without.stdout)
