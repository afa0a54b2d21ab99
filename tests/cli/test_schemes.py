"""The three schemes on the demonstration model: what is in the files, and the report's figures computed again by other means."""

import json
import math
import subprocess
import sys

import jsonschema
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from models import initializers
from onnx import TensorProto
from PIL import Image
from support import listing, quantize, report_of

DEMO, BENCH = ROOT / "data" / "demo", ROOT.parent / "shared" / "bench"
SCHEMES = ["w8a8", "w8a16", "w4a16"]
WEIGHTS = {"w8a8": TensorProto.INT8, "w8a16": TensorProto.INT8, "w4a16": TensorProto.INT4}
ACTIVATIONS = {"w8a8": TensorProto.UINT8, "w8a16": TensorProto.UINT16, "w4a16": TensorProto.UINT16}
WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """The demonstration's test scenes as PNG: two JPEG decoders differ in the last bit of a pixel, which would be seen in the figures."""
    folder = tmp_path_factory.mktemp("scenes")
    for file in (DEMO / "test").iterdir():
        Image.open(file).save(folder / f"{file.stem}.png")
    return folder


@pytest.fixture(scope="module", params=SCHEMES)
def made(request, program, scenes, tmp_path_factory):
    """(scheme, the quantized model's file) of one run with labels."""
    output = tmp_path_factory.mktemp(request.param) / "out.onnx"
    quantize(program, DEMO / "model.onnx", DEMO / "calib", output, "--scheme", request.param, "--test", scenes, "--labels", DEMO / "labels")
    return request.param, output


def opset(model):
    return next(entry.version for entry in model.opset_import if entry.domain == "")


class Graph:
    """Who makes and what is stored, by tensor name."""

    def __init__(self, file):
        self.model = onnx.load(file)
        self.maker = {output: node for node in self.model.graph.node for output in node.output}
        self.stored = {tensor.name: tensor for tensor in self.model.graph.initializer}
        self.values = initializers(self.model)

    def scale(self, dequantizer):
        """Stored, or left to the runtime as a product of two that are."""
        name = dequantizer.input[1]
        return self.values[name] if name in self.values else np.multiply(*(self.values[factor] for factor in self.maker[name].input))

    def weighted(self):
        return [node for node in self.model.graph.node if node.op_type in WEIGHTED]

    def dequantizer(self, tensor):
        node = self.maker[tensor]
        assert node.op_type == "DequantizeLinear"
        return node


def test_exactly_the_model_and_its_two_reports_are_written(made):
    assert listing(made[1].parent) == ["out.onnx", "out.report.html", "out.report.json"]


def test_report_follows_the_schema(made):
    schema = json.loads((ROOT / "data" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report_of(made[1]), schema, cls=jsonschema.Draft202012Validator)


def test_report_describes_the_files(made):
    scheme, output = made
    report, model = report_of(output), onnx.load(output)
    assert report["scheme"] == scheme
    assert report["quantized"]["bytes"] == output.stat().st_size == sum(row["quantized_bytes"] for row in report["sizes"])
    assert report["fp32"]["bytes"] == (DEMO / "model.onnx").stat().st_size == sum(row["fp32_bytes"] for row in report["sizes"])
    assert (report["quantized"]["nodes"], report["quantized"]["opset"]) == (len(model.graph.node), opset(model))
    assert len(report["pictures"]) >= 4
    assert report["memory"]["fp32_peak_bytes"] > 0
    assert all(row["reason"] for row in report["decisions"] if not row["quantized"])


def test_onnx_checker_passes(made):
    onnx.checker.check_model(str(made[1]), full_check=True)


def test_opset_is_the_lowest_that_serves(made):
    before = opset(onnx.load(DEMO / "model.onnx"))
    assert opset(onnx.load(made[1])) == (before if made[0] == "w8a8" else max(before, 21))


def test_names_types_and_shapes_of_inputs_and_outputs_stay(made):
    before, after = onnx.load(DEMO / "model.onnx").graph, onnx.load(made[1]).graph
    for a, b in ((before.input, after.input), (before.output, after.output)):
        assert [(value.name, value.type) for value in a] == [(value.name, value.type) for value in b]


def test_every_weight_and_activation_has_the_types_of_the_scheme(made):
    scheme, graph = made[0], Graph(made[1])
    assert len(graph.weighted()) == sum(node.op_type in WEIGHTED for node in onnx.load(DEMO / "model.onnx").graph.node)
    for node in graph.weighted():
        weight = graph.dequantizer(node.input[1])
        stored = graph.stored[weight.input[0]]
        product = node.op_type == "Gemm"  # of a 1x1 convolution with a float result: unsigned, [inputs, outputs]
        assert stored.data_type == (TensorProto.UINT8 if product else WEIGHTS[scheme])
        assert not product or set(graph.values[weight.input[2]].tolist()) == {128}
        assert len(stored.raw_data) == math.ceil(math.prod(stored.dims) * (0.5 if scheme == "w4a16" else 1))
        axis = next((attribute.i for attribute in weight.attribute if attribute.name == "axis"), 1)
        assert axis == (1 if product or node.op_type == "ConvTranspose" else 0)
        assert list(graph.stored[weight.input[1]].dims) == [stored.dims[axis]]
        assert graph.stored[graph.dequantizer(node.input[0]).input[2]].data_type == ACTIVATIONS[scheme]
    for node in graph.model.graph.node:
        if node.op_type == "QuantizeLinear":
            assert graph.stored[node.input[2]].data_type == ACTIVATIONS[scheme]


def test_four_bit_weights_alone_have_zero_points(made):
    """Where that is of use: channels of one sign."""
    scheme, graph = made[0], Graph(made[1])
    dequantizers = [graph.dequantizer(node.input[1]) for node in graph.weighted() if node.op_type != "Gemm"]
    zeros = [graph.values[node.input[2]] for node in dequantizers if len(node.input) > 2]
    assert bool(zeros) == (scheme == "w4a16")
    assert all(np.any(zero) for zero in zeros)


def test_bias_scale_is_exactly_input_scale_times_weight_scale(made):
    graph, seen = Graph(made[1]), 0
    for node in graph.weighted():
        if len(node.input) < 3:
            continue
        activation, weight, bias = (graph.dequantizer(name) for name in node.input)
        expected = np.float32(graph.values[activation.input[1]]) * graph.values[weight.input[1]].astype(np.float32)
        assert graph.stored[bias.input[0]].data_type == TensorProto.INT32
        assert graph.scale(bias).tobytes() == expected.astype(np.float32).tobytes()
        seen += 1
    assert seen > 20


def test_onnx_runtime_loads_and_runs_it_without_a_word(made):
    script = ("import sys, numpy, onnxruntime\n"
              "session = onnxruntime.InferenceSession(sys.argv[1])\n"
              "[given] = session.get_inputs()\n"
              "assert numpy.isfinite(session.run(None, {given.name: numpy.zeros([size if isinstance(size, int) else 1 for size in given.shape],"
              " numpy.float32)})[0]).all()\n")
    run = subprocess.run([sys.executable, "-c", script, made[1]], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
    # A container may hide which graphics card there is; that line is not about the model.
    assert [line for line in run.stderr.splitlines() if "device_discovery" not in line and "GPU" not in line] == []


def prepared(file, shape):
    picture = Image.open(file).convert("RGB")
    if picture.size != (shape[3], shape[2]):
        picture = picture.resize((shape[3], shape[2]), Image.BILINEAR)
    # The product, not a quotient: the last bit of an input is seen in the third place of a figure.
    values = (np.asarray(picture, np.float32) * np.float32(1 / 255) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)


def classes_at(output, size):
    planes = [np.asarray(Image.fromarray(plane).resize(size, Image.BILINEAR)) for plane in output[0]]
    return np.stack(planes).argmax(0)


def confusion(truth, guess, count):
    known = truth < count
    return np.bincount(truth[known].astype(np.int64) * count + guess[known], minlength=count * count).reshape(count, count)


def mean_iou(counts):
    hit, truth, guess = np.diag(counts), counts.sum(1), counts.sum(0)
    return (hit / np.maximum(truth + guess - hit, 1))[truth > 0].mean()


def session_of(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options)


def figures(quantized, scenes):
    """The report's accuracy figures by their definitions, in double precision."""
    sessions = [session_of(file) for file in (DEMO / "model.onnx", quantized)]
    [given] = sessions[0].get_inputs()
    signal = error = same = pixels = between = truth_a = truth_b = 0
    psnr = []
    for file in sorted(scenes.iterdir()):
        fed = {given.name: prepared(file, given.shape)}
        a, b = (session.run(None, fed)[0] for session in sessions)
        square = ((a.astype(np.float64) - b) ** 2).sum()
        psnr.append(20 * np.log10(np.abs(a).max() / np.sqrt(square / a.size)))
        signal, error = signal + (a.astype(np.float64) ** 2).sum(), error + square
        class_a, class_b, count = a.argmax(1), b.argmax(1), a.shape[1]
        same, pixels = same + (class_a == class_b).sum(), pixels + class_a.size
        between = between + confusion(class_a, class_b, count)
        label = np.asarray(Image.open(DEMO / "labels" / f"{file.stem}.png"))
        truth_a = truth_a + confusion(label, classes_at(a, label.shape[::-1]), count)
        truth_b = truth_b + confusion(label, classes_at(b, label.shape[::-1]), count)
    return {"psnr_db": np.mean(psnr), "psnr_db_worst": np.min(psnr), "sqnr_db": 10 * np.log10(signal / error), "agreement": same / pixels,
            "miou_vs_fp32": mean_iou(between), "miou_fp32": mean_iou(truth_a), "miou_quantized": mean_iou(truth_b)}


def test_figures_of_the_report_are_those_computed_anew(made, scenes):
    accuracy = report_of(made[1])["accuracy"]
    for name, value in figures(made[1], scenes).items():
        assert accuracy[name] == pytest.approx(value, abs=0.0005), name


@pytest.mark.slow
@pytest.mark.skipif(not (BENCH / "evaluate.py").exists(), reason="the bench is not beside this project")
def test_the_judge_agrees_with_the_report_on_ffnet(program, tmp_path):
    model, output, pictures = BENCH / "ffnet40s_camvid.onnx", tmp_path / "out.onnx", tmp_path / "test"
    pictures.mkdir()
    for file in sorted((BENCH / "test").iterdir())[:6]:
        (pictures / file.name).symlink_to(file)
    options = ["--samples", "20", "--latency-runs", "0", "-O0", "--test", pictures, "--labels", BENCH / "labels"]
    quantize(program, model, BENCH / "calib", output, *options, quick=[])
    judged = subprocess.run([sys.executable, BENCH / "evaluate.py", model, output, "--images", pictures, "--labels", BENCH / "labels", "--scheme", "w8a8"],
                            capture_output=True, text=True, check=True, timeout=300)
    judgement, accuracy = json.loads(judged.stdout.splitlines()[-1]), report_of(output)["accuracy"]
    for name in ("psnr_db", "sqnr_db", "agreement", "miou_vs_fp32", "miou_fp32", "miou_quantized"):
        assert accuracy[name] == pytest.approx(judgement[name], abs=0.005 if "db" in name else 0.0005), name
    assert judgement["psnr_db"] > 37  # plain ranges and rounding, 7-bit weights where processors without VNNI need them
    assert judgement["structure"]["outside_scheme"] == {"weights": 0, "activations": 0}
