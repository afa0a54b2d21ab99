"""Small graphs that once crashed the program, were computed wrongly or left float without need: each is quantized to something close to the FP32 model."""

import json
import pathlib
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image

import models

SPATIAL = {"pads": [1, 1, 1, 1]}
FIRST = models.first_convolution()
LAST = models.second_convolution("middle")


def random(*shape, scale=0.3):
    return np.random.default_rng(sum(shape)).normal(0, scale, shape).astype(np.float32)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output] if isinstance(output, str) else output, output if isinstance(output, str) else output[0], **attributes)


# name: (nodes between the two convolutions, further weights, further options)
GRAPHS = {
    "a bias that is computed": ([node("GlobalAveragePool", ["conv1_out"], "pooled"), node("Reshape", ["pooled", "flat"], "bias"),
                                 node("Conv", ["conv1_out", "w3", "bias"], "middle", **SPATIAL)],
                                {"w3": random(8, 8, 3, 3, scale=0.1), "flat": np.array([-1])}, []),
    "MatMul between convolutions": ([node("MatMul", ["conv1_out", "m"], "middle")], {"m": random(32, 40)}, []),
    "MatMul with a weight of rank three": ([node("MatMul", ["conv1_out", "m"], "middle")], {"m": random(8, 32, 32)}, []),
    "Split with an unused output": ([node("Split", ["conv1_out", "sizes"], ["unused", "middle"], axis=1)],
                                    {"sizes": np.array([4, 4]), "w2": random(4, 4, 1, 1)}, []),
    "a weight shared with an excluded node": ([node("Conv", ["conv1_out", "ws"], "alone", **SPATIAL), node("Conv", ["alone", "ws"], "middle", **SPATIAL)],
                                              {"ws": random(8, 8, 3, 3, scale=0.1)}, ["--exclude", "alone"]),
    "Relu of a tensor with other readers": ([node("Relu", ["conv1_out"], "relu"), node("MaxPool", ["relu"], "pool", kernel_shape=[3, 3], **SPATIAL),
                                             node("Add", ["conv1_out", "pool"], "middle")], {}, []),
    "the same tensor twice": ([node("Add", ["conv1_out", "conv1_out"], "sum"), node("Mul", ["sum", "sum"], "middle")], {}, []),
    "arithmetic with constants": ([node("Mul", ["conv1_out", "k"], "scaled"), node("LeakyRelu", ["scaled"], "middle")], {"k": random(1, 1, 32, 32)}, []),
    "an excluded Relu": ([node("Relu", ["conv1_out"], "middle")], {}, ["--exclude", "conv1", "--exclude", "middle"]),
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(8):
        coarse = np.random.default_rng(seed).random((8, 8, 3))
        Image.fromarray((np.kron(coarse, np.ones((4, 4, 1))) * 255).astype(np.uint8)).save(folder / f"{seed}.png")
    return folder


def quantize(program, folder, pictures, nodes, weights, options, scheme="w8a8"):
    model, output = folder / "model.onnx", folder / f"out.{scheme}.onnx"
    models.save(model, [FIRST, *nodes, LAST], {**models.weights(), **weights}, outputs={"y": [None] * 4})
    run = subprocess.run([program, model, "--calib", pictures, "--scheme", scheme, "--preprocess", "signed", "--latency-runs", "0", "-q", "-o", output, *options],
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return output, json.loads(pathlib.Path(str(output).replace(".onnx", ".report.json")).read_text())


@pytest.mark.parametrize("scheme, least", [("w8a8", 40), ("w8a16", 45)])
@pytest.mark.parametrize("name", GRAPHS)
def test_awkward_graph_stays_close_to_fp32(program, tmp_path, pictures, name, scheme, least):
    _, report = quantize(program, tmp_path, pictures, *GRAPHS[name], scheme)
    assert report["accuracy"]["psnr_db"] > least


def test_an_excluded_node_keeps_its_weights_exactly(program, tmp_path, pictures):
    output, _ = quantize(program, tmp_path, pictures, *GRAPHS["a weight shared with an excluded node"])
    kept = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(output).graph.initializer}
    assert np.array_equal(kept["ws"], GRAPHS["a weight shared with an excluded node"][1]["ws"])


def test_an_excluded_relu_stays(program, tmp_path, pictures):
    output, _ = quantize(program, tmp_path, pictures, *GRAPHS["an excluded Relu"])
    assert "Relu" in [item.op_type for item in onnx.load(output).graph.node]


def test_relu_and_pool_behind_a_shared_tensor_are_quantized(program, tmp_path, pictures):
    _, report = quantize(program, tmp_path, pictures, *GRAPHS["Relu of a tensor with other readers"])
    reasons = {decision["reason"] for decision in report["decisions"] if not decision["quantized"]}
    assert reasons <= {"the picture is quantized behind it"}


def test_an_output_that_is_no_regular_file_is_refused(program, tmp_path, pictures):
    models.two_convolutions(tmp_path / "model.onnx")
    run = subprocess.run([program, tmp_path / "model.onnx", "--calib", pictures, "-o", "/dev/null"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 5 and "/dev/null" in run.stderr and pathlib.Path("/dev/null").is_char_device()
