"""What is wrong with the user's files: one line that names it, the documented exit code, nothing left behind."""

import numpy as np
import onnx
import pytest
from conftest import ROOT
from models import two_convolutions, two_inputs, weights, without_weights
from onnx import helper
from support import QUICK, complaints, draw_pictures, listing, quantize, report_of, start

MODEL, DATA, NUMERIC = 3, 4, 6
DEMO_MODEL = ROOT / "data" / "demo" / "model.onnx"


@pytest.fixture
def refused(program, tmp_path):
    """Runs on `model`, expects exit code `code` and one line holding all `words`, and an output folder that stayed empty."""
    def run(code, *words, model=None, calib=None, options=()):
        model = two_convolutions(tmp_path / "model.onnx") if model is None else model
        calib = draw_pictures(tmp_path / "pictures") if calib is None else calib
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        ended = start(program, model, "--calib", calib, "-o", folder / "out.onnx", *QUICK, *options)
        lines = complaints(ended)
        assert ended.returncode == code, ended.stderr
        assert len(lines) == 1, ended.stderr
        assert lines[0].startswith("error: ")
        assert "internal" not in lines[0]
        for word in words:
            assert word in lines[0]
        assert ended.stdout == ""
        assert listing(folder) == []
    return run


def test_a_missing_model_is_named(refused, tmp_path):
    refused(MODEL, "missing.onnx", "No such file", model=tmp_path / "missing.onnx")


def test_a_folder_is_no_model(refused, tmp_path):
    refused(MODEL, str(tmp_path), "folder", model=tmp_path)


def test_an_unreadable_model_is_named(refused):
    # Root may read every file; this one of the kernel's refuses even root.
    refused(MODEL, "/proc/self/mem", model="/proc/self/mem")


def test_an_empty_model_file_is_named(refused, tmp_path):
    (tmp_path / "empty.onnx").touch()
    refused(MODEL, "empty.onnx", "is empty", model=tmp_path / "empty.onnx")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_model_is_named(refused, tmp_path, share):
    whole = DEMO_MODEL.read_bytes()
    (tmp_path / "short.onnx").write_bytes(whole[: int(len(whole) * share)])
    refused(MODEL, "short.onnx", model=tmp_path / "short.onnx")


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_are_no_model(refused, tmp_path, seed):
    (tmp_path / "noise.onnx").write_bytes(np.random.default_rng(seed).bytes(5000))
    refused(MODEL, "noise.onnx", model=tmp_path / "noise.onnx")


def test_a_picture_is_no_model(refused, tmp_path):
    refused(MODEL, "picture_00.png", model=draw_pictures(tmp_path / "pictures") / "picture_00.png")


def test_a_quantized_model_is_refused_with_the_node_that_tells(program, refused, tmp_path):
    model, pictures = two_convolutions(tmp_path / "first.onnx"), draw_pictures(tmp_path / "pictures")
    quantize(program, model, pictures, tmp_path / "quantized.onnx")
    refused(MODEL, "quantized.onnx", "already quantized", "QuantizeLinear", model=tmp_path / "quantized.onnx")


def test_a_model_without_weights_is_refused(refused, tmp_path):
    refused(MODEL, "bare.onnx", "no Conv", model=without_weights(tmp_path / "bare.onnx"))


def test_an_invalid_graph_is_named_with_its_node(refused, tmp_path):
    model = two_convolutions(tmp_path / "dangling.onnx", between=[helper.make_node("Relu", ["nowhere"], ["middle"], "orphan")])
    refused(MODEL, "dangling.onnx", "nowhere", model=model)


def test_an_unknown_operator_of_the_standard_domain_is_named(refused, tmp_path):
    model = two_convolutions(tmp_path / "odd.onnx", between=[helper.make_node("Frobnicate", ["conv1_out"], ["middle"], "odd")])
    refused(MODEL, "odd.onnx", "Frobnicate", model=model)


def test_a_convolution_of_another_rank_than_its_input_is_refused(refused, tmp_path):
    model = two_convolutions(tmp_path / "deep.onnx", changed={"w1": np.ones((8, 3, 3, 3, 3), np.float32)})
    refused(MODEL, "deep.onnx", "conv1", "spatial dimensions", model=model)


def test_an_operator_that_onnx_runtime_lacks_is_named(refused, tmp_path):
    node = helper.make_node("Frobnicate", ["conv1_out"], ["middle"], "odd", domain="com.example")
    refused(MODEL, "odd.onnx", "Frobnicate", "com.example", model=two_convolutions(tmp_path / "odd.onnx", between=[node], domains=["com.example"]))


def test_external_data_that_is_missing_is_named(refused, tmp_path):
    model = two_convolutions(tmp_path / "big.onnx")
    onnx.save(onnx.load(model), model, save_as_external_data=True, location="big.data", size_threshold=0)
    (tmp_path / "big.data").unlink()
    refused(MODEL, "big.data", model=model)


def test_an_empty_calibration_folder_is_named(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(DATA, str(tmp_path / "empty"), calib=tmp_path / "empty")


def test_a_missing_calibration_folder_is_named(refused, tmp_path):
    refused(DATA, str(tmp_path / "missing"), calib=tmp_path / "missing")


def test_a_file_is_no_calibration_folder(refused, tmp_path):
    refused(DATA, "model.onnx is a file, not a folder", calib=two_convolutions(tmp_path / "model.onnx"))


def test_pictures_in_sub_folders_are_pointed_out(refused, tmp_path):
    draw_pictures(tmp_path / "city" / "aachen")
    refused(DATA, "holds no pictures", f"there are some in {tmp_path / 'city' / 'aachen'}, but sub-folders are not searched", calib=tmp_path / "city")


def test_a_model_of_several_inputs_asks_for_a_sub_folder_for_each(refused, tmp_path):
    model, pictures = two_inputs(tmp_path / "two.onnx"), draw_pictures(tmp_path / "calib")
    refused(DATA, f"the model has 2 inputs (picture, depth): put one sub-folder per input into {pictures}; there is no {pictures / 'picture'}",
            model=model, calib=pictures)
    draw_pictures(pictures / "picture")
    refused(DATA, f"there is no {pictures / 'depth'}", model=model, calib=pictures)


@pytest.mark.parametrize("option", ["--assignment", "--import-encodings"])
def test_what_is_no_json_is_said_in_our_words(refused, tmp_path, option):
    (tmp_path / "bits.json").write_text('{\n  "version": oops\n}', encoding="utf-8")
    refused(DATA, "bits.json", "no JSON (line 2, byte 16)", options=[option, tmp_path / "bits.json"])
    refused(DATA, "missing.json", "No such file", options=[option, tmp_path / "missing.json"])


def test_missing_test_and_label_folders_are_named(refused, tmp_path):
    refused(DATA, str(tmp_path / "missing"), options=["--test", tmp_path / "missing"])
    refused(DATA, str(tmp_path / "missing"), options=["--labels", tmp_path / "missing"])


def test_a_folder_of_corrupt_images_only_is_refused(refused, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "broken.png").write_bytes(b"no picture")
    refused(DATA, "broken.png", calib=tmp_path / "bad", options=["--strict"])


def test_a_corrupt_image_among_good_ones_is_skipped_named_and_counted(program, tmp_path):
    pictures = draw_pictures(tmp_path / "pictures", count=9)
    (pictures / "picture_03.png").write_bytes((pictures / "picture_03.png").read_bytes()[:60])
    run = quantize(program, two_convolutions(tmp_path / "model.onnx"), pictures, tmp_path / "out.onnx", "--samples", "9", quick=QUICK[2:])
    [warning] = complaints(run)
    assert warning.startswith("warning: ")
    assert "picture_03.png" in warning
    report = report_of(tmp_path / "out.onnx")
    [skipped] = report["calibration"]["skipped"]
    assert "picture_03.png" in skipped
    assert report["calibration"]["images"] + report["test"]["images"] == 8
    assert any("picture_03.png" in text for text in report["warnings"])


def test_strict_stops_at_a_corrupt_image(refused, tmp_path):
    pictures = draw_pictures(tmp_path / "pictures", count=6)
    (pictures / "picture_03.png").write_bytes(b"")
    refused(DATA, "picture_03.png", calib=pictures, options=["--strict"])


def test_images_of_other_sizes_are_brought_to_the_models(program, tmp_path):
    pictures = draw_pictures(tmp_path / "pictures", count=3, size=(50, 21))
    draw_pictures(pictures, count=7, size=(9, 64), ending="jpg")
    quantize(program, two_convolutions(tmp_path / "model.onnx"), pictures, tmp_path / "out.onnx")
    assert report_of(tmp_path / "out.onnx")["calibration"]["skipped"] == []


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_a_weight_that_is_not_finite_is_named(refused, tmp_path, value, word):
    bad = weights()["w2"]
    bad[1, 2] = value
    refused(NUMERIC, "'w2'", "conv2", word, model=two_convolutions(tmp_path / "nan.onnx", changed={"w2": bad}))


def test_an_activation_that_is_not_a_number_is_named(refused, tmp_path):
    model = two_convolutions(tmp_path / "log.onnx", between=[helper.make_node("Log", ["conv1_out"], ["middle"], "log")])
    refused(NUMERIC, "middle", model=model)


def test_an_activation_that_overflows_on_the_way_is_named(refused, tmp_path):
    nodes = [helper.make_node("Mul", ["conv1_out", "huge"], ["infinite"], "mul"), helper.make_node("Sigmoid", ["infinite"], ["middle"], "sigmoid")]
    refused(NUMERIC, "infinite", model=two_convolutions(tmp_path / "mul.onnx", between=nodes, changed={"huge": np.float32(3e38)}))
