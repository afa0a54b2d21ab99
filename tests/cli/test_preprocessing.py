"""What the model is fed: the report tells the range of a tensor that is one channel of the input."""

import numpy as np
import pytest
from models import save, two_convolutions
from onnx import helper
from PIL import Image
from support import QUICK, draw_pictures, quantize, report_of, start

IMAGENET_MEAN, IMAGENET_STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def pick(path, channel, channels=3, size=(16, 16)):
    """A model whose tensor "picked" is one channel of what it is fed."""
    kernel = np.zeros((1, channels, 1, 1), np.float32)
    kernel[0, channel] = 1
    nodes = [helper.make_node("Conv", ["x", "w"], ["picked"], "pick"), helper.make_node("Conv", ["picked", "again"], ["y"], "again")]
    values = {"w": kernel, "again": np.float32([[[[0.5]]], [[[-0.5]]]])}
    return save(path, nodes, values, inputs={"x": [1, channels, *size]}, outputs={"y": [1, 2, *size]})


def seen_range(output):
    """(least, greatest) value of that tensor in calibration."""
    [row] = [row for row in report_of(output)["histograms"] if row["tensor"] == "picked"]
    return row["min"], row["max"]


@pytest.fixture
def fed_range(program, tmp_path):
    def run(pictures, *options, channel=0, channels=3):
        quantize(program, pick(tmp_path / "pick.onnx", channel, channels), pictures, tmp_path / "out.onnx", *options, quick=QUICK[2:])
        return seen_range(tmp_path / "out.onnx")
    return run


@pytest.fixture
def flat(tmp_path):
    """Eight equal pictures of one color: red 200, green 100, blue 30; every fourth pixel is black."""
    folder = tmp_path / "flat"
    folder.mkdir()
    values = np.full((16, 16, 3), [200, 100, 30], np.uint8)
    values[::4] = 0
    for number in range(8):
        Image.fromarray(values).save(folder / f"flat_{number}.png")
    return folder


def expected(pixels, scale=1, mean=0, std=1):
    values = (np.float32([0, pixels]) * scale - mean) / std
    return values.min(), values.max()


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_imagenet_is_the_default_recipe(fed_range, flat, channel):
    wanted = expected([200, 100, 30][channel], 1 / 255, IMAGENET_MEAN[channel], IMAGENET_STD[channel])
    assert fed_range(flat, channel=channel) == pytest.approx(wanted, abs=1e-5)
    assert fed_range(flat, "--preprocess", "imagenet", channel=channel) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(("options", "wanted"), [
    (["--preprocess", "unit"], expected(200, 1 / 255)), (["--preprocess", "signed"], expected(200, 1 / 127.5, 1)), (["--preprocess", "raw"], expected(200)),
    (["--scale", "0.5"], expected(200, 0.5)), (["--mean", "50"], expected(200, 1, 50)), (["--std", "4,5,6"], expected(200, 1, 0, 4)),
    (["--scale", "0.1", "--mean", "1,2,3", "--std", "2"], expected(200, 0.1, 1, 2))])
def test_recipes_and_values_by_hand_do_what_they_say(fed_range, flat, options, wanted):
    assert fed_range(flat, *options) == pytest.approx(wanted, rel=1e-6, abs=1e-5)


def test_color_order_is_followed(fed_range, flat):
    assert fed_range(flat, "--preprocess", "raw", "--color", "bgr") == pytest.approx((0, 30), abs=1e-4)
    assert fed_range(flat, "--preprocess", "raw", "--color", "bgr", channel=2) == pytest.approx((0, 200), abs=1e-4)


def test_gray_feeds_one_channel_of_zero_to_one(fed_range, flat):
    gray = np.asarray(Image.new("RGB", (1, 1), (200, 100, 30)).convert("L"))[0, 0]
    assert fed_range(flat, "--color", "gray", channels=1) == pytest.approx((0, gray / 255), abs=1e-5)
    assert fed_range(flat, "--color", "gray", "--preprocess", "raw", channels=1) == pytest.approx((0, gray), abs=1e-4)


def test_a_model_of_one_channel_says_what_it_needs(program, flat, tmp_path):
    ended = start(program, pick(tmp_path / "gray.onnx", 0, 1), "--calib", flat, "-o", tmp_path / "out.onnx", *QUICK)
    [line] = ended.stderr.splitlines()
    assert ended.returncode == 4
    assert "gray" in line


def test_letterbox_keeps_the_picture_whole_and_crop_cuts_it(fed_range, tmp_path):
    pictures = tmp_path / "wide"
    pictures.mkdir()
    values = np.full((16, 48, 3), 100, np.uint8)
    values[:, :8] = 250  # at the left edge: in a stretched or letterboxed picture, not in the middle square
    for number in range(4):
        Image.fromarray(values).save(pictures / f"wide_{number}.png")
    ranges = {}
    for mode in ("stretch", "letterbox", "crop"):
        ranges[mode] = fed_range(pictures, "--preprocess", "raw", "--resize", mode)
    assert ranges["crop"] == pytest.approx((100, 100), abs=1)
    assert ranges["stretch"] == pytest.approx((100, 250), abs=2)
    assert ranges["letterbox"][1] > 200
    assert ranges["letterbox"][0] < 101


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "ppm"])
def test_every_picture_format_is_read(program, tmp_path, ending):
    pictures = draw_pictures(tmp_path / ending, ending=ending)
    quantize(program, two_convolutions(tmp_path / "model.onnx"), pictures, tmp_path / "out.onnx")
    assert report_of(tmp_path / "out.onnx")["calibration"]["skipped"] == []
