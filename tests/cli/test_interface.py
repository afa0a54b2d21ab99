"""Types of input and output: the model that is written, fed as its user would, against the float model."""

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from models import first_convolution, save, second_convolution, two_convolutions, two_inputs, weights, without_a_batch
from onnx import helper
from PIL import Image
from support import QUICK, complaints, draw_pictures, listing, quantize, report_of, start

DEMO = ROOT / "data" / "demo"
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def frame(path, size=None):
    """A camera's frame: height x width x channels, uint8."""
    picture = Image.open(path).convert("RGB")
    return np.asarray(picture if size is None else picture.resize(size, Image.BILINEAR))


def planes(pixels):
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def normalised(pixels):
    return planes((pixels.astype(np.float32) / 255 - MEAN) / STD)


def run(path, value):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: value})[0]


def sqnr(reference, other):
    return 10 * np.log10((reference.astype(np.float64) ** 2).sum() / ((reference.astype(np.float64) - other) ** 2).sum())


def dequantized(value, output):
    return (value.astype(np.float32) - output["zero_point"]) * np.float32(output["scale"])


@pytest.fixture(scope="module")
def variants(program, tmp_path_factory):
    """The demo model quantized alike for each interface."""
    folder = tmp_path_factory.mktemp("interface")
    options = {"plain": [], "pixels": ["--input-dtype", "uint8"], "camera": ["--input-dtype", "uint8-nhwc", "--output-dtype", "argmax"],
               "integers": ["--output-dtype", "int"]}
    for name, words in options.items():
        quantize(program, DEMO / "model.onnx", DEMO / "calib", folder / f"{name}.onnx", "--test", DEMO / "test", *words)
    return {name: folder / f"{name}.onnx" for name in options}


@pytest.fixture(scope="module")
def pictures():
    return [frame(path) for path in sorted((DEMO / "test").iterdir())[:4]]


def test_pixels_go_straight_into_integer_arithmetic(variants, pictures):
    model = onnx.load(variants["pixels"])
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    before_first_conv = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            break
        before_first_conv.append(node.op_type)
    assert not {"Cast", "Mul", "Add", "QuantizeLinear"} & set(before_first_conv), before_first_conv
    for picture in pictures:
        reference = run(DEMO / "model.onnx", normalised(picture))
        as_floats, as_pixels = run(variants["plain"], normalised(picture)), run(variants["pixels"], planes(picture))
        assert sqnr(reference, as_pixels) > sqnr(reference, as_floats) - 3  # without the input's own rounding; but the folded weights have 7 bits, for processors without VNNI


def test_floats_are_rounded_to_the_pixels_they_were_made_from(program, tmp_path, pictures):
    for name, words in {"pixels": [], "one_scale": ["--without", "round-to-pixels"]}.items():
        quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / f"{name}.onnx", *words,
                 quick=["--samples", "24", "--latency-runs", "0", "--pictures", "0", "-O1"])
    graph = onnx.load(tmp_path / "pixels.onnx").graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    assert [shapes[node.input[1]] for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "image"] == [[3]]
    gains = []
    for picture in pictures:
        reference, floats = run(DEMO / "model.onnx", normalised(picture)), normalised(picture)
        gains.append(sqnr(reference, run(tmp_path / "pixels.onnx", floats)) - sqnr(reference, run(tmp_path / "one_scale.onnx", floats)))
    assert np.mean(gains) > 0.5, gains


def test_camera_frame_gives_classes(variants, pictures):
    model = onnx.load(variants["camera"])
    shape = [dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape[-1] == 3
    for picture in pictures:
        classes, reference = run(variants["camera"], picture[None]), run(DEMO / "model.onnx", normalised(picture)).argmax(1)
        assert classes.dtype == np.uint8
        assert classes.shape == reference.shape
        # The same network as that of pixels in the model's own order, and as good as the one that is fed floats.
        assert (classes == run(variants["pixels"], planes(picture)).argmax(1)).all()
        as_floats = run(variants["plain"], normalised(picture)).argmax(1)
        assert (classes == reference).mean() > (as_floats == reference).mean() - 0.02


def test_integers_with_their_scale_are_the_logits(variants, pictures):
    [output] = report_of(variants["integers"])["outputs"]
    assert output["type"] == "uint8"
    metadata = {entry.key: entry.value for entry in onnx.load(variants["integers"]).metadata_props}
    assert float(metadata[f"quantize.scale.{output['name']}"]) == pytest.approx(output["scale"])
    for picture in pictures:
        logits, reference = dequantized(run(variants["integers"], normalised(picture)), output), run(DEMO / "model.onnx", normalised(picture))
        # 8 bits for the logits themselves cost something more.
        assert sqnr(reference, logits) > sqnr(reference, run(variants["plain"], normalised(picture))) - 3


def test_report_tells_the_interface_and_judges_the_same_network(variants):
    reports = {name: report_of(path) for name, path in variants.items()}
    assert reports["camera"]["inputs"][0]["type"] == "uint8"
    assert reports["camera"]["inputs"][0]["meaning"] == "pixels 0 to 255, rgb"
    assert reports["camera"]["outputs"][0]["meaning"] == "class of each pixel"
    assert "pixel * " in reports["plain"]["inputs"][0]["meaning"]
    for report in reports.values():
        assert report["accuracy"]["agreement"] > reports["plain"]["accuracy"]["agreement"] - 0.02
    assert reports["pixels"]["accuracy"] == reports["camera"]["accuracy"]


@pytest.mark.parametrize("scheme", ["w8a8", "w8a16"])
def test_evaluate_compares_integers_as_the_logits_they_stand_for(program, tmp_path, scheme):
    model, pictures = two_convolutions(tmp_path / "model.onnx"), draw_pictures(tmp_path / "pictures")
    quantize(program, model, pictures, tmp_path / "out.onnx", "--test", pictures, "--scheme", scheme, "--output-dtype", "int", "--quantize-outputs")
    words = ["evaluate", model, tmp_path / "out.onnx", "--test", pictures, "--latency-runs", "0"]
    ended = start(program, *words)
    assert ended.returncode == 0, ended.stderr
    judged, made = report_of(tmp_path / "out.evaluation.onnx")["accuracy"], report_of(tmp_path / "out.onnx")["accuracy"]
    assert judged["psnr_db"] == pytest.approx(made["psnr_db"], abs=0.5)
    silent = onnx.load(tmp_path / "out.onnx")
    silent.ClearField("metadata_props")
    onnx.save(silent, tmp_path / "out.onnx")
    ended = start(program, *words)
    assert ended.returncode == 3
    assert "'y' is of type" in ended.stderr and "quantize.scale.y" in ended.stderr


def test_evaluate_refuses_classes_that_are_not_marked_where_the_first_model_gives_logits(program, tmp_path):
    model, pictures = two_convolutions(tmp_path / "model.onnx"), draw_pictures(tmp_path / "pictures")
    quantize(program, model, pictures, tmp_path / "out.onnx", "--output-dtype", "argmax")
    unmarked = onnx.load(tmp_path / "out.onnx")
    del unmarked.metadata_props[:]
    onnx.save(unmarked, tmp_path / "out.onnx")
    ended = start(program, "evaluate", model, tmp_path / "out.onnx", "--test", pictures, "--latency-runs", "0")
    assert ended.returncode == 3
    assert "'y' is of type uint8" in ended.stderr
    assert "quantize.classes.y" in ended.stderr


def test_latency_and_memory_are_measured_on_both_interfaces(program, tmp_path):
    quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--input-dtype", "uint8-nhwc", "--output-dtype", "argmax",
             quick=["--samples", "6", "--latency-runs", "2", "-O0"])
    report = report_of(tmp_path / "out.onnx")
    assert report["latency"]["quantized"]["median_ms"] > 0
    assert report["memory"]["quantized_peak_bytes"] > 0


@pytest.mark.parametrize("scheme", ["w8a16", "w4a16"])
def test_pixels_stay_bytes_in_wide_schemes(program, tmp_path, scheme):
    folder = draw_pictures(tmp_path / "pictures")
    quantize(program, two_convolutions(tmp_path / "m.onnx"), folder, tmp_path / "out.onnx", "--input-dtype", "uint8", "--scheme", scheme)
    model = onnx.load(tmp_path / "out.onnx")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    pixels = frame(sorted(folder.iterdir())[0])
    reference = run(tmp_path / "m.onnx", normalised(pixels))
    assert sqnr(reference, run(tmp_path / "out.onnx", planes(pixels))) > (20 if scheme == "w8a16" else 8)


def test_gray_and_signed_pixels(program, tmp_path):
    folder = draw_pictures(tmp_path / "pictures", channels=1)
    model = two_convolutions(tmp_path / "m.onnx", channels=1)
    quantize(program, model, folder, tmp_path / "out.onnx", "--input-dtype", "uint8", "--color", "gray", "--preprocess", "signed")
    pixels = np.asarray(Image.open(sorted(folder.iterdir())[0]).convert("L"))[None, None]
    reference = run(model, pixels.astype(np.float32) / 127.5 - 1)
    assert sqnr(reference, run(tmp_path / "out.onnx", pixels)) > 20


def one_row_of_logits(path):
    """As many values as two convolutions give, without an axis of classes."""
    nodes = [first_convolution(), second_convolution("conv1_out", "map"), helper.make_node("Reshape", ["map", "all"], ["y"], "flatten")]
    return save(path, nodes, {**weights(), "all": np.array([-1])}, outputs={"y": [None]})


@pytest.mark.parametrize(("make", "options", "why"), [
    (two_convolutions, ["--input-dtype", "int8"], "--input-dtype: "), (two_inputs, ["--input-dtype", "uint8"], "--input-dtype uint8 is for models with one input"),
    (one_row_of_logits, ["--output-dtype", "argmax"], "output 'y' holds no 32-bit float per class")])
def test_refusals_say_why(program, tmp_path, make, options, why):
    (tmp_path / "out").mkdir()
    ended = start(program, make(tmp_path / "m.onnx"), "--calib", draw_pictures(tmp_path / "pictures"), *QUICK, *options, "-o", tmp_path / "out" / "o.onnx")
    [line] = complaints(ended)
    assert ended.returncode == 2
    assert line.startswith(f"error: {why}")
    assert options[0] in line
    assert listing(tmp_path / "out") == []


def test_classes_are_found_where_an_output_has_no_batch(program, tmp_path):
    pictures, test = draw_pictures(tmp_path / "pictures"), draw_pictures(tmp_path / "test", count=2)
    found = {}
    for name, model in {"batch": two_convolutions, "none": without_a_batch}.items():
        quantize(program, model(tmp_path / f"{name}.onnx"), pictures, tmp_path / f"{name}.out.onnx", "--test", test, "--output-dtype", "argmax")
        found[name] = report_of(tmp_path / f"{name}.out.onnx")["accuracy"]
        assert run(tmp_path / f"{name}.out.onnx", normalised(frame(test / listing(test)[0]))).shape[-2:] == (32, 32)
    assert 0 < found["batch"]["agreement"] < 1  # of four classes, so that one plane alone would tell something else
    assert found["none"] == found["batch"]
