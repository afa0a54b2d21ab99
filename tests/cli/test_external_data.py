"""Models whose weights are in files of their own: one file for all, one per tensor, at offsets; and types other than float."""

import numpy as np
import onnx
import onnxruntime
import pytest
from models import two_convolutions, weights
from onnx import TensorProto, helper, numpy_helper
from support import QUICK, draw_pictures, draw_tensors, listing, quantize, report_of, start


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures") / "calib")


def in_one_file(folder):
    onnx.save(onnx.load(two_convolutions(folder / "model.onnx")), folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)


def one_file_per_tensor(folder):
    onnx.save(onnx.load(two_convolutions(folder / "model.onnx")), folder / "model.onnx", save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0)


def at_offsets_without_lengths(folder):
    model = onnx.load(two_convolutions(folder / "model.onnx"))
    for tensor in model.graph.initializer:
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / tensor.name).write_bytes(b"\0" * 4096 + numpy_helper.to_array(tensor).tobytes())
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", f"data/{tensor.name}"), ("offset", "4096")):
            tensor.external_data.add(key=key, value=value)
    onnx.save(model, folder / "model.onnx")


@pytest.mark.parametrize("layout", [in_one_file, one_file_per_tensor, at_offsets_without_lengths])
def test_the_same_result_as_from_one_file(program, tmp_path, pictures, layout):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = two_convolutions(tmp_path / "whole" / "model.onnx")
    layout(tmp_path / "parts")
    for model, output in ((whole, "whole.onnx"), (tmp_path / "parts" / "model.onnx", "parts.onnx")):
        quantize(program, model, pictures, tmp_path / output)
    assert (tmp_path / "parts.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    assert report_of(tmp_path / "parts.onnx")["fp32"]["bytes"] > 4 * sum(value.size for value in weights().values())
    assert not [name for name in listing(tmp_path) if name.endswith(".data")]


def test_data_cut_short_is_named(program, tmp_path, pictures):
    in_one_file(tmp_path)
    data = (tmp_path / "weights.bin").read_bytes()
    (tmp_path / "weights.bin").write_bytes(data[:-8])
    run = start(program, tmp_path / "model.onnx", "--calib", pictures, "-o", tmp_path / "out.onnx", *QUICK)
    assert run.returncode == 3, run.stderr
    assert "weights.bin" in run.stderr and "truncated" in run.stderr


def test_the_weights_are_not_written_over(program, tmp_path, pictures):
    in_one_file(tmp_path)
    data = (tmp_path / "weights.bin").read_bytes()
    for options in (["-o", tmp_path / "weights.bin"], ["-o", tmp_path / "out.onnx", "--save-assignment", tmp_path / "weights.bin"]):
        run = start(program, tmp_path / "model.onnx", "--calib", pictures, *options, *QUICK)
        assert run.returncode == 2, run.stderr
        assert "overwrite the model's weights" in run.stderr
        assert (tmp_path / "weights.bin").read_bytes() == data


def network(folder, element_type, numpy_type):
    """Gemm, Relu, Gemm: ONNX Runtime has no Conv in double."""
    random = np.random.default_rng(0)
    values = {"w": random.normal(0, 0.4, (12, 16)), "b": random.normal(0, 0.4, 16), "v": random.normal(0, 0.4, (16, 5))}
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["h"], "first"), helper.make_node("Relu", ["h"], ["r"], "relu"), helper.make_node("Gemm", ["r", "v"], ["y"], "second")]
    graph = helper.make_graph(nodes, "typed", [helper.make_tensor_value_info("x", element_type, [1, 12])], [helper.make_tensor_value_info("y", element_type, [1, 5])],
                              [numpy_helper.from_array(value.astype(numpy_type), name) for name, value in values.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "typed.onnx")
    return folder / "typed.onnx"


@pytest.mark.parametrize(("element_type", "numpy_type"), [(TensorProto.FLOAT16, np.float16), (TensorProto.DOUBLE, np.float64)])
def test_the_interface_keeps_its_type(program, tmp_path, element_type, numpy_type):
    model = network(tmp_path, element_type, numpy_type)
    quantize(program, model, draw_tensors(tmp_path / "items", (12,)), tmp_path / "out.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx")
    x = np.random.default_rng(1).normal(0, 1, (1, 12)).astype(numpy_type)
    [expected], [actual] = onnxruntime.InferenceSession(model).run(None, {"x": x}), session.run(None, {"x": x})
    assert actual.dtype == numpy_type
    assert np.abs(expected.astype(np.float64) - actual.astype(np.float64)).max() < 0.05 * np.abs(expected).max()
    report = report_of(tmp_path / "out.onnx")
    assert report["accuracy"]["psnr_db"] > 30
    assert [row["op_type"] for row in report["decisions"] if row["quantized"]] == ["Gemm", "Relu", "Gemm"]


def test_duplicate_node_names_are_told_apart(program, tmp_path, pictures):
    model = two_convolutions(tmp_path / "apart.onnx")
    alike = onnx.load(model)
    for node in alike.graph.node:
        node.name = "same"
    onnx.save(alike, tmp_path / "alike.onnx")
    figures = []
    for name in ("apart", "alike"):
        quantize(program, tmp_path / f"{name}.onnx", pictures, tmp_path / f"{name}.w8a8.onnx", quick=["--samples", "6", "--latency-runs", "1", "-O0"])
        figures.append(report_of(tmp_path / f"{name}.w8a8.onnx")["accuracy"]["psnr_db"])
    assert figures[0] == figures[1]
