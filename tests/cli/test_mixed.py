"""Mixed precision from the command line: sensitivity, assignments saved, edited and given back, targets and budgets."""

import json
import pathlib

import jsonschema
import numpy as np
import onnx
import pytest
from models import save, two_convolutions, weights
from onnx import helper
from support import draw_pictures, listing, quantize, report_of, start

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = ["--samples", "10", "--latency-runs", "0", "-O0", "--preprocess", "unit"]


def schema(name):
    return json.loads((ROOT / "data" / f"{name}.schema.json").read_text(encoding="utf-8"))


def activation_types(path):
    """{name of the quantized tensor: type of its integers}"""
    graph = onnx.load(path).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    return {node.input[0]: types[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"}


def weight_types(path):
    return sorted({tensor.data_type for tensor in onnx.load(path).graph.initializer if tensor.dims and len(tensor.dims) == 4})


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A model whose inner activation has channels of very different size, so that 8 bits for all of it are too few; and pictures."""
    folder = tmp_path_factory.mktemp("mixed")
    spread = weights()
    spread["w1"][0] *= 300
    spread["w2"][:, 0] /= 300
    return two_convolutions(folder / "net.onnx", changed=spread), draw_pictures(folder / "pictures", count=12)


def test_an_assignment_is_saved_edited_and_given_back(program, job, tmp_path):
    model, pictures = job
    quantize(program, model, pictures, tmp_path / "a.onnx", "--save-assignment", tmp_path / "bits.json", quick=QUICK)
    bits = json.loads((tmp_path / "bits.json").read_text())
    jsonschema.validate(bits, schema("assignment"))
    assert bits["weights"] == {"conv1": 8, "conv2": 8} and set(bits["activations"].values()) == {8}

    bits["weights"]["conv2"] = 4
    bits["activations"]["middle"] = 16
    (tmp_path / "bits.json").write_text(json.dumps(bits))
    quantize(program, model, pictures, tmp_path / "b.onnx", "--assignment", tmp_path / "bits.json", "--save-assignment", tmp_path / "again.json",
             quick=QUICK)
    assert onnx.load(tmp_path / "b.onnx").opset_import[0].version == 21
    assert set(activation_types(tmp_path / "b.onnx").values()) == {onnx.TensorProto.UINT8, onnx.TensorProto.UINT16}
    assert weight_types(tmp_path / "b.onnx") == [onnx.TensorProto.INT8, onnx.TensorProto.INT4]
    assert json.loads((tmp_path / "again.json").read_text()) == bits


def test_the_same_assignment_gives_the_same_bytes(program, job, tmp_path):
    model, pictures = job
    quantize(program, model, pictures, tmp_path / "a.onnx", quick=QUICK)
    quantize(program, model, pictures, tmp_path / "b.onnx", "--save-assignment", tmp_path / "bits.json", quick=QUICK)
    quantize(program, model, pictures, tmp_path / "c.onnx", "--assignment", tmp_path / "bits.json", quick=QUICK)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes() == (tmp_path / "c.onnx").read_bytes()


@pytest.mark.parametrize("change, said, code", [
    ({"weights": {"conv3": 8}}, "did you mean 'conv", 2),
    ({"activations": {"midle": 16}}, "did you mean 'middle'", 2),
    ({"weights": {"conv1": 5}}, "4, 8 or float", 2),
    ({"model": "0" * 32}, "another model", 4),
    ({"scheme": "w4a16"}, "--scheme", 2),
    ({"version": 9}, "version 1", 4),
])
def test_a_wrong_assignment_is_refused_with_the_reason(program, job, tmp_path, change, said, code):
    model, pictures = job
    (tmp_path / "bits.json").write_text(json.dumps({"format": "quantize assignment", "version": 1, **change}))
    run = start(program, model, "--calib", pictures, "-o", tmp_path / "out.onnx", "--assignment", tmp_path / "bits.json", *QUICK)
    assert run.returncode == code and said in run.stderr, run.stderr
    assert listing(tmp_path) == ["bits.json"]


def test_a_target_raises_what_it_needs_and_no_more(program, job, tmp_path):
    model, pictures = job
    quantize(program, model, pictures, tmp_path / "plain.onnx", quick=QUICK)
    plain = report_of(tmp_path / "plain.onnx")["accuracy"]["psnr_db"]
    quantize(program, model, pictures, tmp_path / "mixed.onnx", "--reach", f"psnr={plain + 8}", "--save-assignment", tmp_path / "bits.json", quick=QUICK)
    report = report_of(tmp_path / "mixed.onnx")
    jsonschema.validate(report, schema("report"))
    mixed = report["mixed"]
    assert mixed["reached"] and mixed["reach"][0]["after"] >= plain + 8 > mixed["reach"][0]["before"]
    assert report["accuracy"]["psnr_db"] > plain + 6, "pictures that took no part agree"
    raised = [row["name"] for row in mixed["raised"]]
    assert "middle" in raised and 1 <= len(raised) < mixed["units"]
    assert activation_types(tmp_path / "mixed.onnx").get("middle") != onnx.TensorProto.UINT8  # 16 bits, or float on both sides
    # The saved assignment makes a model of the same types without a search.
    quantize(program, model, pictures, tmp_path / "again.onnx", "--assignment", tmp_path / "bits.json", quick=QUICK)
    assert activation_types(tmp_path / "again.onnx") == activation_types(tmp_path / "mixed.onnx")


def test_a_target_out_of_reach_says_so_and_leaves_the_nearest(program, job, tmp_path):
    model, pictures = job
    run = start(program, model, "--calib", pictures, "-o", tmp_path / "out.onnx", "--reach", "psnr=119", "--budget", "latency=0.9", *QUICK)
    assert run.returncode == 8, run.stderr
    assert "psnr" in run.stderr and "119" in run.stderr
    assert not report_of(tmp_path / "out.onnx")["mixed"]["reached"]


def test_a_target_that_only_the_float_model_reaches_leaves_an_assignment_that_can_be_given_back(program, job, tmp_path):
    model, pictures = job
    bits = tmp_path / "bits.json"
    run = start(program, model, "--calib", pictures, "-o", tmp_path / "out.onnx", "--reach", "psnr=119", "--save-assignment", bits, *QUICK)
    assert run.returncode == 8, run.stderr
    report = report_of(tmp_path / "out.onnx")["mixed"]
    assert not report["reached"] and report["reach"][0]["after"] > report["reach"][0]["before"]
    assert set(json.loads(bits.read_text())["weights"].values()) == {8, "float"}, "one of the two stays quantized"
    quantize(program, model, pictures, tmp_path / "again.onnx", "--assignment", bits, quick=QUICK)
    assert activation_types(tmp_path / "again.onnx") == activation_types(tmp_path / "out.onnx")


def test_weights_are_written_with_the_bits_they_were_judged_with(program, tmp_path):
    """Behind a node that --reach leaves float, a tensor is quantized that was not observed before: what its channels hold decides, and is known
    to the search alone, whether pairs of products overflow."""
    random = np.random.default_rng(0)
    normal = lambda *shape: random.standard_normal(shape).astype(np.float32)
    spread = normal(8, 3, 3, 3) * 0.3
    spread[:, 0] *= 1000  # meets an input channel that is as much smaller, so that 8 bits lose the other two
    spread[1:] *= 0.1  # only the first channel of m fills its 8 bits
    second = normal(8, 8, 3, 3) * 0.3
    second[:, 0] *= 0.1
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["a"], "conv1", pads=[1, 1, 1, 1]),
             helper.make_node("MaxPool", ["a"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
             helper.make_node("Conv", ["m", "w2"], ["c"], "conv2", pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("Conv", ["r", "w3"], ["y"], "conv3")]
    model = save(tmp_path / "net.onnx", nodes, {"w1": spread, "b1": normal(8), "w2": second, "w3": normal(4, 8, 1, 1) * 0.3},
                 outputs={"y": [None] * 4})
    samples = tmp_path / "samples"
    samples.mkdir()
    for i in range(20):
        np.save(samples / f"{i:02d}.npy", normal(1, 3, 32, 32) * np.float32([0.001, 1, 1]).reshape(3, 1, 1))
    options = ["--scheme", "w8a8", "--cpu", "any", "--reach", "psnr=30", "--latency-runs", "0", "-O0", "--save-assignment", tmp_path / "bits.json"]
    quantize(program, model, samples, tmp_path / "out.onnx", quick=options)
    bits = json.loads((tmp_path / "bits.json").read_text())
    assert bits["weights"] == {"conv1": "float", "conv2": 8, "conv3": 8} and set(bits["activations"].values()) == {8}
    written = [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "out.onnx").graph.initializer]
    (integers,) = [values for values in written if values.shape == second.shape]
    assert set(np.abs(integers.astype(int)).max(axis=(1, 2, 3))) == {127}, "not narrowed to 7 bits"


def test_four_bit_weights_are_raised_within_the_budget(program, job, tmp_path):
    model, pictures = job
    free = start(program, model, "--calib", pictures, "-o", tmp_path / "free.onnx", "--scheme", "w4a16", "--reach", "psnr=52", *QUICK)
    tight = start(program, model, "--calib", pictures, "-o", tmp_path / "tight.onnx", "--scheme", "w4a16", "--reach", "psnr=119",
                  "--budget", "size=0.9", *QUICK)
    assert free.returncode == 0, "float is the last resort"
    assert onnx.TensorProto.FLOAT in weight_types(tmp_path / "free.onnx")
    assert tight.returncode == 8, tight.stderr
    assert onnx.TensorProto.INT8 in weight_types(tmp_path / "tight.onnx")
    assert (tmp_path / "tight.onnx").stat().st_size <= 0.9 * model.stat().st_size


@pytest.mark.parametrize("options, said", [
    (["--reach", "pnsr=40"], "did you mean 'psnr'?"),
    (["--reach", "agreement=99"], "at most 1"),
    (["--budget", "size=0.3"], "--reach"),
    (["--reach", "psnr=40", "--assignment", "x.json"], "exclude each other"),
    (["--reach", "psnr=40", "--budget", "size=0.001"], "w8a8 itself needs"),
])
def test_wrong_targets_are_refused(program, job, tmp_path, options, said):
    model, pictures = job
    run = start(program, model, "--calib", pictures, "-o", tmp_path / "out.onnx", *options, *QUICK)
    assert run.returncode == 2 and said in run.stderr, run.stderr
    assert listing(tmp_path) == []


def test_the_sensitivity_table_is_printed_and_plotted(program, job, tmp_path):
    model, pictures = job
    run = start(program, "sensitivity", model, "--calib", pictures, "-o", tmp_path / "table.json", "--samples", "10", "-O0", "--preprocess", "unit")
    assert run.returncode == 0, run.stderr
    table = json.loads((tmp_path / "table.json").read_text())
    jsonschema.validate(table, schema("sensitivity"))
    assert [(row["kind"], row["name"]) for row in table["rows"]] == [("activations", "x"), ("weights", "conv1"), ("activations", "middle"), ("weights", "conv2")]
    noise = {row["name"]: row["noise"] for row in table["rows"] if row["kind"] == "activations"}
    assert noise["middle"] > noise["x"]
    assert run.stdout.index("A8 Relu middle") < run.stdout.index("A8 input x"), "the most sensitive first"
    assert listing(tmp_path) == ["table.html", "table.json"]


def test_the_table_does_not_depend_on_the_number_of_threads(program, job, tmp_path):
    model, pictures = job
    for threads in ("1", "3"):
        run = start(program, "sensitivity", model, "--calib", pictures, "-o", tmp_path / f"{threads}.json", "--samples", "10", "--threads", threads,
                    "-O0", "--preprocess", "unit")
        assert run.returncode == 0, run.stderr
    one, three = (json.loads((tmp_path / f"{threads}.json").read_text())["rows"] for threads in ("1", "3"))
    assert one == three
