"""What ONNX Runtime computes in float, and why: in the report and in inspect."""

import json

from conftest import ROOT
from support import quantize, report_of, start

DEMO = ROOT / "data" / "demo"


def test_report_and_inspect_name_the_float_kernels(program, demo_run):
    kernels = json.loads((demo_run / "out.report.json").read_text(encoding="utf-8"))["kernels"]
    assert kernels["integer"] > 30
    assert kernels["float"] == len(kernels["floats"])
    reasons = {row["node"]: row["reason"] for row in kernels["floats"]}
    assert reasons["/Resize"] == "no integer kernel on ort-cpu"  # bilinear
    assert "leaves the model" in reasons["/classifier/Conv"] or "read in float" in reasons["/classifier/Conv"]
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
