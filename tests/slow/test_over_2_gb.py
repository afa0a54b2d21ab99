"""Models larger than one protobuf can be. Takes a few minutes, 6 GB of memory and 2 GB of disk; the ctest label is `slow`."""

import os
import resource
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

SIDE = 8192  # a weight of SIDE x SIDE floats is 256 MB
LAYERS = 9
PROGRAM = os.environ["QUANTIZE_PROGRAM"]


def external(name, shape, location, offset):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", 4 * int(np.prod(shape)))):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """2.25 GB of weights; the layers share the bytes of one file, which begin behind a hole of 4 GB, so that they take 256 MB of disk."""
    folder = tmp_path_factory.mktemp("large")
    random, offset = np.random.default_rng(0), (1 << 32) + 4096
    with open(folder / "weights.bin", "wb") as file:
        file.seek(offset)
        for _ in range(8):
            file.write((random.standard_normal((SIDE // 8, SIDE), np.float32) * np.float32(1.4 / SIDE**0.5)).tobytes())
    nodes, tensors, tensor = [], [], "x"
    for layer in range(LAYERS):
        tensors.append(external(f"w{layer}", [SIDE, SIDE], "weights.bin", offset))
        nodes += [helper.make_node("MatMul", [tensor, f"w{layer}"], [f"m{layer}"], f"layer{layer}"), helper.make_node("Relu", [f"m{layer}"], [f"r{layer}"], f"relu{layer}")]
        tensor = f"r{layer}"
    nodes[-1].output[0] = "y"
    graph = helper.make_graph(nodes, "large", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, SIDE])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, SIDE])], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "large.onnx")
    (folder / "items").mkdir()
    for number in range(3):
        np.save(folder / "items" / f"{number}.npy", np.maximum(random.standard_normal((1, SIDE), np.float32), 0))
    return folder / "large.onnx"


def run(model, output, *options):
    command = [PROGRAM, model, "--calib", model.parent / "items", "-o", output, "-O0", "--latency-runs", "0", "--method", "minmax", "--scheme", "w8a8", *options]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=1500)
    assert ended.returncode == 0, ended.stderr
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2


def signal_to_noise(model, quantized):
    x = np.load(model.parent / "items" / "0.npy")
    [expected] = onnxruntime.InferenceSession(model).run(None, {"x": x})
    [actual] = onnxruntime.InferenceSession(quantized).run(None, {"x": x})
    return 10 * np.log10((expected**2).sum() / ((expected - actual) ** 2).sum())


def test_small_result_is_one_file(model, tmp_path):
    gigabytes = run(model, tmp_path / "out.onnx")
    print(f"peak memory {gigabytes:.1f} GB")
    assert [path.name for path in tmp_path.glob("*.data")] == []
    assert (tmp_path / "out.onnx").stat().st_size < 0.27 * LAYERS * 4 * SIDE**2
    assert signal_to_noise(model, tmp_path / "out.onnx") > 15


def test_large_result_is_two_files(model, tmp_path):
    run(model, tmp_path / "out.onnx", *(word for layer in range(1, 7) for word in ("--exclude", f"layer{layer}")))
    assert (tmp_path / "out.onnx").stat().st_size < 1 << 20
    assert (tmp_path / "out.onnx.data").stat().st_size > 6 * 4 * SIDE**2
    assert signal_to_noise(model, tmp_path / "out.onnx") > 15
