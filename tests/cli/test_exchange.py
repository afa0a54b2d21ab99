"""Encodings of other tools: written for AIMET and read back, taken from ONNX Runtime's format, checked by AIMET itself where it is installed."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from models import factor_behind_a_sum, initializers
from support import draw_pictures, quantize, report_of, start

DEMO = ROOT / "data" / "demo"
VERSIONS = ["0.6.1", "1.0.0", "2.0.0"]
# A Python that has aimet-onnx (which needs torch): the one named, or this one.
AIMET = os.environ.get("QUANTIZE_AIMET_PYTHON") or (sys.executable if importlib.util.find_spec("aimet_onnx") else None)

# Builds the QDQ model with AIMET from the float model and the encodings, and runs it on the inputs of a file.
BY_AIMET = """
import sys, numpy as np, onnx, onnxruntime
from aimet_onnx.quantsim import encodings_to_onnx_qdq
model, encodings, inputs, outputs = sys.argv[1:]
qdq = encodings_to_onnx_qdq(model, encodings, force_activation_as=None)
session = onnxruntime.InferenceSession(qdq.SerializeToString(), providers=["CPUExecutionProvider"])
np.save(outputs, session.run(None, {session.get_inputs()[0].name: np.load(inputs)})[0])
"""


@pytest.fixture(scope="module", params=VERSIONS)
def exported(request, program, tmp_path_factory):
    """A folder with out.onnx, its encodings in one version of AIMET's format, and the float model they belong to."""
    folder = tmp_path_factory.mktemp("aimet")
    quantize(program, DEMO / "model.onnx", DEMO / "calib", folder / "out.onnx", "--export-encodings", f"aimet-{request.param}:{folder / 'demo.encodings'}")
    assert json.loads((folder / "demo.encodings").read_text())["version"] == request.param
    return folder


def test_imported_encodings_make_the_same_model(program, exported):
    quantize(program, DEMO / "model.onnx", DEMO / "calib", exported / "again.onnx", "--import-encodings", exported / "demo.encodings")
    assert (exported / "again.onnx").read_bytes() == (exported / "out.onnx").read_bytes()


def some_input():
    return np.random.default_rng(3).normal(0, 1, (1, 3, *input_size())).astype(np.float32)


def input_size():
    shape = onnx.load(DEMO / "model.onnx").graph.input[0].type.tensor_type.shape.dim
    return shape[2].dim_value, shape[3].dim_value


@pytest.mark.skipif(not AIMET, reason="aimet-onnx is not installed (QUANTIZE_AIMET_PYTHON names a Python that has it)")
def test_aimet_builds_the_same_network_from_them(exported):
    np.save(exported / "input.npy", some_input())
    script = exported / "by_aimet.py"
    script.write_text(BY_AIMET, encoding="utf-8")
    command = [AIMET, script, exported / "demo.encodings.onnx", exported / "demo.encodings", exported / "input.npy", exported / "output.npy"]
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    session = onnxruntime.InferenceSession(exported / "out.onnx", providers=["CPUExecutionProvider"])
    ours, theirs = session.run(None, {session.get_inputs()[0].name: some_input()})[0], np.load(exported / "output.npy")
    # Biases are float in theirs and a Relu is its own operator: a step here and there, never another network.
    assert 10 * np.log10((ours**2).sum() / ((ours - theirs) ** 2).sum()) > 30


def overrides(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_onnxruntimes_overrides_are_taken(program, tmp_path):
    model = onnx.load(DEMO / "model.onnx")
    name = model.graph.input[0].name
    file = overrides(tmp_path / "overrides.json", {name: [{"quant_type": "QUInt16", "rmin": -3.0, "rmax": 3.0}]})
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--import-encodings", file)
    written = onnx.load(tmp_path / "out.onnx")
    [quantizer] = [node for node in written.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == name]
    values = initializers(written)
    assert values[quantizer.input[2]].dtype == np.uint16
    assert values[quantizer.input[1]] == pytest.approx(6 / 65535)
    assert max(entry.version for entry in written.opset_import if entry.domain in ("", "ai.onnx")) >= 21


def test_encodings_of_other_bits_than_the_schemes_are_said_to_be_so(program, exported):
    run = quantize(program, DEMO / "model.onnx", DEMO / "calib", exported / "w8.onnx", "--import-encodings", exported / "demo.encodings", "--scheme", "w8a16",
                   "--save-assignment", exported / "bits.json")
    assert "demo.encodings make this w8a8, not --scheme w8a16 throughout" in run.stderr
    report = report_of(exported / "w8.onnx")
    assert report["scheme"] == "w8a8"
    assert any("w8a8, not --scheme w8a16" in warning for warning in report["warnings"])
    seen = start(program, "inspect", exported / "w8.onnx", "--json")
    assert json.loads(seen.stdout)["scheme"] == "w8a8"
    assert set(json.loads((exported / "bits.json").read_text(encoding="utf-8"))["activations"].values()) == {8}


@pytest.mark.parametrize("content, words", [
    ({"version": "9.9"}, "0.6.1, 1.0.0 and 2.0.0 are known"), ({"no_such_tensor": [{"rmin": 0, "rmax": 1}]}, "belongs to another model"),
    ({"a": 1}, "neither AIMET's encodings nor ONNX Runtime's")])
def test_foreign_files_are_refused(program, tmp_path, content, words):
    file = overrides(tmp_path / "file.json", content)
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "--samples", "4", "-O0", "-o", tmp_path / "out.onnx", "--import-encodings", file)
    assert run.returncode == 4
    assert words in run.stderr and str(file) in run.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_unknown_export_format_is_refused(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "--export-encodings", f"aime:{tmp_path / 'x'}")
    assert run.returncode == 2
    assert "did you mean 'aimet'?" in run.stderr


@pytest.mark.parametrize("export, what", [("net.w8a8", "-o"), ("net", "the model"), ("net.w8a8.onnx", "-o")])
def test_an_export_that_would_overwrite_something_is_refused(program, tmp_path, export, what):
    model = tmp_path / "net.onnx"
    model.write_bytes((DEMO / "model.onnx").read_bytes())
    (tmp_path / "inner").mkdir()
    run = start(program, model, "--calib", DEMO / "calib", "--scheme", "w8a8", "--export-encodings", f"aimet:{tmp_path / 'inner' / '..' / export}")
    assert run.returncode == 2
    assert f"would overwrite {what}" in run.stderr
    assert model.read_bytes() == (DEMO / "model.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inner", "net.onnx"]


def test_weights_and_activations_stay_those_of_the_file_where_encodings_are_exchanged(program, tmp_path):
    model, pictures = factor_behind_a_sum(tmp_path / "model.onnx"), draw_pictures(tmp_path / "pictures", size=(32, 32))
    changing = {"fold-factors-behind", "fold-summands-behind", "point-products"}
    steps = {}
    for name, words in {"alone": [], "exchanged": ["--export-encodings", f"aimet:{tmp_path / 'encodings.json'}"]}.items():
        quantize(program, model, pictures, tmp_path / f"{name}.onnx", *words)
        steps[name] = {row["name"] for row in report_of(tmp_path / f"{name}.onnx")["steps"]}
    assert changing <= steps["alone"]
    assert not changing & steps["exchanged"]
    again = tmp_path / "again.onnx"
    quantize(program, model, pictures, again, "--import-encodings", tmp_path / "encodings.json")
    assert report_of(again)["accuracy"]["sqnr_db"] > report_of(tmp_path / "exchanged.onnx")["accuracy"]["sqnr_db"] - 3
