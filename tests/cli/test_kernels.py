"""What ONNX Runtime computes in float, and why: in the report and in inspect."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from models import count, first_convolution, save, second_convolution, weights
from onnx import helper
from PIL import Image
from support import draw_pictures, quantize, report_of, start

DEMO = ROOT / "data" / "demo"


def test_report_and_inspect_name_the_float_kernels(program, demo_run):
    kernels = json.loads((demo_run / "out.report.json").read_text(encoding="utf-8"))["kernels"]
    assert kernels["integer"] > 30
    assert kernels["float"] == len(kernels["floats"])
    reasons = {row["node"]: row["reason"] for row in kernels["floats"]}
    assert reasons["/Resize"] == "no integer kernel on ort-cpu"  # bilinear
    assert "/classifier/Conv" not in reasons  # a product of integers
    assert sum(reason == "it finishes the product '/classifier/Conv', whose result stays float" for reason in reasons.values()) == 2
    run = start(program, "inspect", demo_run / "out.onnx")
    assert f"{kernels['integer']} integer, {kernels['float']} float" in run.stdout
    assert "float: Resize '/Resize': ONNX Runtime has no integer kernel for it" in run.stdout
    seen = json.loads(start(program, "inspect", demo_run / "out.onnx", "--json").stdout)["kernels"]
    assert (seen["integer"], seen["float"], seen["conversions"]) == (kernels["integer"], kernels["float"], kernels["conversions"])
    assert json.loads(start(program, "inspect", DEMO / "model.onnx", "--json").stdout)["kernels"] is None


def test_a_slower_model_is_called_slower(program, tmp_path):
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--scheme", "w8a16", quick=["--samples", "6", "--latency-runs", "5", "-O0"])
    report = report_of(tmp_path / "out.onnx")
    assert report["kernels"]["integer"] == 0
    assert any("16-bit activations" in row["reason"] for row in report["kernels"]["floats"])
    slower = [text for text in report["warnings"] if "slower than FP32 on this machine" in text]
    assert bool(slower) == (report["latency"]["speedup"] < 0.98)


def groups_of_three(path):
    """A convolution with eight groups of three channels between two plain ones."""
    random = np.random.default_rng(3)
    values = {**weights(), "w1": random.normal(0, 0.3, (24, 3, 3, 3)), "b1": np.zeros(24), "wg": random.normal(0, 0.3, (24, 3, 3, 3)),
              "w2": random.normal(0, 0.1, (64, 24, 7, 7)), "b2": np.zeros(64)}
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["a"], "relu1"),
             helper.make_node("Conv", ["a", "wg"], ["b"], "groups", group=8, pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["b"], ["middle"], "relu2"), second_convolution("middle")]
    return save(path, nodes, {name: value.astype(np.float32) for name, value in values.items()}, outputs={"y": [None] * 4})


def test_small_groups_are_merged_where_that_is_faster(program, tmp_path):
    model = groups_of_three(tmp_path / "model.onnx")
    pictures = draw_pictures(tmp_path / "pictures", size=(32, 32))
    written, outputs = {}, {}
    picture = np.random.default_rng(5).normal(0, 1, (1, 3, 32, 32)).astype(np.float32)
    for step, words in {"merged": [], "kept": ["--without", "merge-groups"]}.items():
        quantize(program, model, pictures, tmp_path / f"{step}.onnx", *words)
        written[step] = onnx.load(tmp_path / f"{step}.onnx")
        outputs[step] = session(tmp_path / f"{step}.onnx").run(None, {"x": picture})[0]
        assert any(row["name"] == "merge-groups" for row in report_of(tmp_path / f"{step}.onnx")["steps"]) == (step == "merged")
    group_of = {step: next(attribute.i for node in graph.graph.node if node.name == "groups" for attribute in node.attribute if attribute.name == "group")
                for step, graph in written.items()}
    assert group_of["kept"] == 8
    assert group_of["merged"] < 8
    assert np.array_equal(outputs["merged"], outputs["kept"])


def test_layers_are_judged_by_what_is_rounded(program, tmp_path):
    figures = {}
    for step, words in {"products": [], "kept": ["--without", "point-products"]}.items():
        quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / f"{step}.onnx", *words)
        report = report_of(tmp_path / f"{step}.onnx")
        assert any(row["name"] == "point-products" for row in report["steps"]) == (step == "products")
        figures[step] = {layer["node"]: layer["sqnr_db"] for layer in report["layers"]}
    assert figures["products"].keys() == figures["kept"].keys()
    assert all(value == pytest.approx(figures["kept"][node], abs=0.01) for node, value in figures["products"].items())


def test_placement_auto_reports_what_it_timed(program, tmp_path):
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--placement", "auto")
    report = report_of(tmp_path / "out.onnx")
    [trial] = report["placement"]  # the bilinear Resizes are all there is to decide
    assert (trial["what"], trial["nodes"]) == ("Resize:linear quantized", 2)
    if trial["kept"]:
        assert trial["after_ms"] <= 0.97 * trial["before_ms"]
    left = [row for row in report["decisions"] if row["reason"] == "no integer kernel on ort-cpu"]
    assert bool(left) != trial["kept"]
    assert report["accuracy"]["agreement"] > 0.99


def test_placement_auto_does_not_go_with_parts(program, job, tmp_path):
    model, pictures = job
    run = start(program, "calibrate", model, "--calib", pictures, "-O0", "--placement", "auto", "-o", tmp_path / "s.json")
    assert run.returncode == 2
    assert "--placement auto" in run.stderr


def test_bytes_do_not_depend_on_threads_or_on_samples_at_once(program, tmp_path):
    made = {}
    for number, words in enumerate((["--threads", "1"], ["--threads", "2"], ["--threads", "16"], ["--threads", "2", "--at-once", "1"],
                                    ["--threads", "4", "--at-once", "2"])):
        output = tmp_path / f"{number}.onnx"
        quantize(program, DEMO / "model.onnx", DEMO / "calib", output, *words, quick=["--samples", "36", "--latency-runs", "0", "-O0"])
        made[output.read_bytes()] = words
    assert len(made) == 1


def upscaling(path):
    """Logits of 16x16, brought to 192x192 by a linear Resize, as segmentation networks end."""
    resize = helper.make_node("Resize", ["logits", "", "", "sizes"], ["y"], "upscale", mode="linear", coordinate_transformation_mode="align_corners")
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "logits"), resize]
    return save(path, nodes, {**weights(), "sizes": np.array([1, 4, 192, 192], np.int64)}, inputs={"x": [1, 3, 16, 16]},
                outputs={"y": [1, 4, 192, 192]})


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("words", [[], ["--target", "openvino"], ["--without", "resize-by-products"]])
def test_a_large_linear_resize_becomes_products_where_that_is_faster(program, tmp_path, words):
    model = upscaling(tmp_path / "model.onnx")
    pictures = draw_pictures(tmp_path / "pictures", size=(16, 16))
    quantize(program, model, pictures, tmp_path / "out.onnx", *words)
    report, written = report_of(tmp_path / "out.onnx"), onnx.load(tmp_path / "out.onnx")
    for_cpu = not words
    assert (count(written, "ResizeByProducts"), count(written, "Resize")) == ((1, 0) if for_cpu else (0, 1))
    assert any(step["name"] == "resize-by-products" for step in report["steps"]) == for_cpu
    assert [node.name for node in written.graph.node][-1] == "upscale"
    onnx.checker.check_model(written, full_check=True)
    pixels = np.asarray(Image.open(pictures / "picture_00.png"), np.float32) / 255
    picture = ((pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1)[None].astype(np.float32)
    [expected], [actual] = session(model).run(None, {"x": picture}), session(tmp_path / "out.onnx").run(None, {"x": picture})
    assert np.abs(actual - expected).max() < 0.05 * np.ptp(expected)
    again = start(program, "evaluate", model, tmp_path / "out.onnx", "--test", pictures, "--latency-runs", "0", "-o", tmp_path / "again.json")
    assert again.returncode == 0, again.stderr
