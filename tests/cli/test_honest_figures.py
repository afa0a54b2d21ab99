"""Figures are only given, and gates only met, where something was measured; data that is not what it seems is said."""

import numpy as np
import onnx
import pytest
from conftest import ROOT
from models import first_convolution, save, second_convolution, weights
from onnx import helper
from PIL import Image
from support import QUICK, complaints, draw_pictures, draw_tensors, quantize, report_of, start

USAGE, DATA, NUMERIC, MISSED = 2, 4, 6, 8
DEMO = ROOT / "data" / "demo"


def one_channel(path):
    """A network with a sigmoid: foreground or background."""
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "score"),
             helper.make_node("Sigmoid", ["score"], ["y"], "sigmoid")]
    values = weights()
    values.update({name: values[name][:1] for name in ("w2", "b2")})
    return save(path, nodes, values, outputs={"y": [1, 1, 32, 32]})


def label(folder, pictures, values):
    folder.mkdir(exist_ok=True)
    for picture in pictures.iterdir():
        Image.fromarray(values).save(folder / f"{picture.stem}.png")
    return folder


@pytest.fixture
def judged(program, job, tmp_path):
    """Runs with two test pictures and labels of these values."""
    def run(values, *options, model=None):
        test = draw_pictures(tmp_path / "test", count=2)
        return start(program, model or job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *QUICK, "--test", test,
                     "--labels", label(tmp_path / "labels", test, values), *options)
    return run


def test_labels_that_are_all_void_do_not_meet_a_gate(judged, tmp_path):
    ended = judged(np.full((32, 32), 255, np.uint8), "--min-miou", "0.1")
    assert ended.returncode == MISSED
    assert "mIoU against the labels was not measured" in ended.stderr
    [gate] = report_of(tmp_path / "out.onnx")["gates"]
    assert (gate["measured"], gate["passed"]) == (None, False)


def test_masks_of_0_and_255_are_refused_for_two_classes(judged, tmp_path):
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20] = 255
    ended = judged(mask, model=one_channel(tmp_path / "sigmoid.onnx"))
    assert ended.returncode == DATA
    assert "write the foreground as 1" in ended.stderr
    assert not (tmp_path / "out.onnx").exists()
    assert judged(mask // 255, model=tmp_path / "sigmoid.onnx").returncode == 0
    assert judged(mask).returncode == 0, "four classes, one of them void: nothing strange"


def test_numbers_that_are_no_class_are_counted_and_void_is_not(judged):
    values = np.zeros((32, 32), np.uint8)
    values[0], values[1] = 255, 9
    assert "64 of 2048 pixels of the labels" in judged(values).stderr


def test_a_float_model_that_fails_on_the_labels_itself_is_said(program, tmp_path):
    """As with the wrong pre-processing: what is left of nothing is no reason to ship."""
    run = quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--test", DEMO / "test", "--labels", DEMO / "labels", "--preprocess", "raw")
    [warning] = [line for line in complaints(run) if "FP32 itself" in line]
    assert "check --preprocess, --color and the class numbers" in warning
    report = report_of(tmp_path / "out.onnx")
    assert report["verdict"]["level"] != "good"
    assert f"FP32 itself reaches only {report['accuracy']['miou_fp32']:.4f} mIoU" in report["verdict"]["reason"]
    run = quantize(program, DEMO / "model.onnx", DEMO / "calib", tmp_path / "out.onnx", "--test", DEMO / "test", "--labels", DEMO / "labels")
    assert "FP32 itself" not in run.stderr
    assert 0 < report_of(tmp_path / "out.onnx")["accuracy"]["miou_one_class"] < 0.3


def test_few_pictures_are_counted_without_those_that_are_held_out(program, job, tmp_path):
    pictures = draw_pictures(tmp_path / "pictures", count=12)
    options = ["-O0", "--latency-runs", "0"]
    run = quantize(program, job[0], pictures, tmp_path / "out.onnx", "--holdout", "0.999", quick=options)
    assert f"{pictures} gives only 1 sample to calibrate on" in run.stderr
    assert report_of(tmp_path / "out.onnx")["calibration"]["images"] == 1
    assert "to calibrate on" not in quantize(program, job[0], pictures, tmp_path / "out.onnx", quick=options).stderr


def test_labels_of_another_shape_are_refused_and_of_another_size_said(judged):
    ended = judged(np.zeros((32, 16), np.uint8))
    assert ended.returncode == DATA
    assert "is 16x32, its picture 32x32: it cannot be a mask" in ended.stderr
    ended = judged(np.zeros((16, 16), np.uint8))
    assert ended.returncode == 0
    assert "2 of 2 labels have another size than their pictures" in ended.stderr


def test_pictures_of_other_kinds_and_dangling_links_are_named(program, job, tmp_path):
    pictures = draw_pictures(tmp_path / "pictures", count=9)
    (pictures / "a.webp").write_bytes(b"RIFF")
    (pictures / "b.png").symlink_to("gone.png")
    run = quantize(program, job[0], pictures, tmp_path / "out.onnx")
    [warning] = complaints(run)
    assert "skipped 2 files" in warning and "a.webp" in warning
    skipped = report_of(tmp_path / "out.onnx")["calibration"]["skipped"]
    assert ["a.webp" in skipped[0], "b.png" in skipped[1]] == [True, True]
    ended = start(program, job[0], "--calib", pictures, "-o", tmp_path / "strict.onnx", *QUICK, "--strict")
    assert (ended.returncode, "a.webp" in ended.stderr) == (DATA, True)


def test_test_pictures_that_are_calibrated_on_are_said(program, job, tmp_path):
    run = quantize(program, *job, tmp_path / "out.onnx", "--test", job[1])
    [warning] = complaints(run)
    assert "6 of the 8 test images are calibrated on as well" in warning


def test_made_up_data_is_never_ready_to_ship(program, job, tmp_path):
    run = quantize(program, job[0], "random", tmp_path / "out.onnx")
    verdict = report_of(tmp_path / "out.onnx")["verdict"]
    assert verdict["level"] != "good"
    assert "made up (random)" in verdict["reason"]
    assert "Ready to ship" not in run.stdout


def nan_below_a_limit(path):
    """The root of what lies below -5 is NaN."""
    nodes = [helper.make_node("Add", ["x", "five"], ["shifted"], "add"), helper.make_node("Sqrt", ["shifted"], ["root"], "sqrt"), first_convolution("root"),
             helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle")]
    return save(path, nodes, {**weights(), "five": np.float32(5)}, outputs={"y": [1, 4, 32, 32]})


def test_a_picture_for_which_the_float_model_gives_nan_is_named(program, tmp_path):
    calib, test = (draw_tensors(tmp_path / name, (1, 3, 32, 32), count=count) for name, count in (("calib", 8), ("test", 3)))
    np.save(test / "item_01.npy", np.full((1, 3, 32, 32), -7, np.float32))
    model = nan_below_a_limit(tmp_path / "model.onnx")
    run = quantize(program, model, calib, tmp_path / "out.onnx", "--test", test)
    assert "the FP32 model itself gives NaN for the test image 'item_01'" in run.stderr
    np.save(calib / "item_04.npy", np.full((1, 3, 32, 32), -6, np.float32))
    for level in ("-O0", "-O1"):
        ended = start(program, model, "--calib", calib, "--test", test, "-o", tmp_path / "no.onnx", "--latency-runs", "0", level)
        assert (ended.returncode, "'item_04'" in ended.stderr) == (NUMERIC, True), ended.stderr


def test_the_meaning_of_tensors_is_not_that_of_pixels(program, job, tmp_path):
    quantize(program, job[0], draw_tensors(tmp_path / "tensors", (1, 3, 32, 32)), tmp_path / "out.onnx")
    assert report_of(tmp_path / "out.onnx")["inputs"][0]["meaning"] == "values as in the .npy files"
    quantize(program, *job, tmp_path / "out.onnx")
    assert "pixels 0 to 255" in report_of(tmp_path / "out.onnx")["inputs"][0]["meaning"]


def test_an_output_whose_size_depends_on_the_values_does_not_undo_the_work(program, job, tmp_path):
    """As of a detector, that lists what it found."""
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "score"),
             helper.make_node("Reshape", ["score", "all"], ["flat"], "flatten"), helper.make_node("Greater", ["flat", "limit"], ["above"], "above"),
             helper.make_node("NonZero", ["above"], ["places"], "places"), helper.make_node("Squeeze", ["places"], ["place"], "place"),
             helper.make_node("Gather", ["flat", "place"], ["y"], "gather")]
    values = {**weights(), "all": np.array([-1]), "limit": np.float32(0.1)}
    model = save(tmp_path / "model.onnx", nodes, values, outputs={"y": ["found"], "score": [1, 4, 32, 32]})
    drawn = draw_pictures(tmp_path / "test", count=3)
    output = tmp_path / "out.onnx"
    run = quantize(program, model, job[1], output, "--test", drawn)
    assert "the size of the first output depends on the values" in run.stderr
    report = report_of(output)
    assert report["verdict"]["headline"] in ("Not measured", "Look before you ship", "Do not ship")
    assert report["accuracy"]["other_outputs"][0]["sqnr_db"] > 20


@pytest.fixture(scope="module")
def camera(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("camera")
    quantize(program, DEMO / "model.onnx", DEMO / "calib", folder / "camera.onnx", "--test", DEMO / "test", "--labels", DEMO / "labels",
             "--input-dtype", "uint8-nhwc", "--output-dtype", "argmax")
    return folder / "camera.onnx"


def test_evaluate_says_where_pixels_are_normalised_otherwise(program, camera, tmp_path):
    words = {}
    for recipe in ("imagenet", "unit"):
        ended = start(program, "evaluate", DEMO / "model.onnx", camera, "--test", DEMO / "test", "--latency-runs", "0", "--preprocess", recipe,
                      "-o", tmp_path / f"{recipe}.onnx")
        assert ended.returncode == 0, ended.stderr
        words[recipe] = ended.stdout + ended.stderr
    assert "other pre-processing" not in words["imagenet"]
    assert "made with other pre-processing (scale 0.00392157, mean 0.485 0.456 0.406" in words["unit"]


def test_evaluate_refuses_the_quantized_model_in_the_first_place(program, job, tmp_path):
    quantize(program, *job, tmp_path / "out.onnx")
    words = ["--test", job[1], "--latency-runs", "0", "-o", tmp_path / "e"]
    ended = start(program, "evaluate", tmp_path / "out.onnx", job[0], *words)
    assert ended.returncode == USAGE
    assert "the first model is the quantized one; swapped?" in ended.stderr
    assert not (tmp_path / "e.report.json").exists()
    for models in ([job[0], tmp_path / "out.onnx"], [tmp_path / "out.onnx", tmp_path / "out.onnx"], [job[0], job[0]]):
        assert start(program, "evaluate", *models, *words).returncode == 0


def test_of_a_model_that_gives_classes_the_classes_come_first(program, job, tmp_path):
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "score"),
             helper.make_node("ArgMax", ["score"], ["y"], "classes", axis=1, keepdims=0)]
    model = save(tmp_path / "model.onnx", nodes, weights(), outputs={"y": [1, 32, 32]})
    graph = onnx.load(model)
    graph.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    onnx.save(graph, model)
    run = quantize(program, model, job[1], tmp_path / "out.onnx", "--ci")
    assert "agreement and mIoU are compared, PSNR and SQNR of the classes' numbers say little" in run.stderr
    assert run.stdout.index("Classes ") < run.stdout.index("Quality ")
    assert report_of(tmp_path / "out.onnx")["accuracy"]["only_classes"] is True
    ended = start(program, "evaluate", model, tmp_path / "out.onnx", "--test", job[1], "--latency-runs", "0", "-o", tmp_path / "e")
    assert "agreement and mIoU are compared" in ended.stderr


def test_evaluate_takes_pixels_in_and_classes_out(program, camera, tmp_path):
    made = report_of(camera)["accuracy"]
    ended = start(program, "evaluate", DEMO / "model.onnx", camera, "--test", DEMO / "test", "--labels", DEMO / "labels", "--latency-runs", "2",
                  "-o", tmp_path / "e")
    assert ended.returncode == 0, ended.stderr
    assert "agreement and mIoU are compared" in ended.stderr
    report = report_of(tmp_path / "e.onnx")
    for figure in ("agreement", "miou_vs_fp32", "miou_fp32", "miou_quantized"):
        assert report["accuracy"][figure] == pytest.approx(made[figure], abs=0.02), figure  # labels are compared with masks of another enlargement
    assert report["accuracy"]["agreement"] == pytest.approx(made["agreement"], abs=1e-6)
    assert report["outputs"][0]["meaning"] == "class of each pixel"
