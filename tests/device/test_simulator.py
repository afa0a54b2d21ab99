"""Slow: whole networks on Qualcomm's NPU simulator. ctest -L device."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from devices import needs_qnn  # noqa: E402

SCHEMES = ["w8a8", "w8a16", "w4a16"]


def networks():
    """The demo model, and a benchmark model with its images where QUANTIZE_BENCH names their folder."""
    demo = ROOT / "data" / "demo"
    found = {"demo": (demo / "model.onnx", demo / "calib", demo / "test", "unit")}
    if "QUANTIZE_BENCH" in os.environ:
        bench = pathlib.Path(os.environ["QUANTIZE_BENCH"])
        found["ffnet"] = (bench / "ffnet40s_camvid.onnx", bench / "calib", bench / "test", "imagenet")
    return found


@needs_qnn
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", networks())
def test_the_device_computes_what_the_simulation_on_the_cpu_does(name, scheme, tmp_path):
    model, calibration, test, preprocess = networks()[name]
    output = tmp_path / "q.onnx"
    run = subprocess.run([os.environ["QUANTIZE_PROGRAM"], model, "--calib", calibration, "--test", test, "--preprocess", preprocess, "--scheme", scheme,
                          "--target", "qnn", "--provider", "qnn", "--strict-provider", "--provider-images", "2", "--latency-runs", "0",
                          "--samples", "32", "-o", output], capture_output=True, text=True, timeout=3600)
    assert run.returncode == 0, run.stderr
    (device,) = json.loads(output.with_suffix(".report.json").read_text())["providers"]
    assert device["simulated"] and device["fallen_back"] == []
    assert [context["ready"] for context in device["contexts"]] == [True] * 4
    here, simulated = device["against_fp32"], device["cpu_against_fp32"]
    allowed = 1.0 if scheme != "w8a8" and simulated["sqnr_db"] > 40 else 0.5
    assert here["sqnr_db"] > simulated["sqnr_db"] - allowed, device
    assert here["agreement"] > simulated["agreement"] - 0.003, device
