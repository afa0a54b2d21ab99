"""What a run says of its memory, and how it keeps within a limit."""

import re

import numpy as np
import pytest
from conftest import ROOT
from models import save
from onnx import helper
from PIL import Image
from support import start

DEMO = ROOT / "data" / "demo"


def said(program, output, *words, calib=DEMO / "calib"):
    """The estimate and the peak in MB."""
    run = start(program, DEMO / "model.onnx", "--calib", calib, "-o", output, "--samples", "24", "--latency-runs", "0", "--pictures", "1", "-v", *words)
    assert run.returncode == 0, run.stderr
    return figures(run)


def figures(run):
    estimate = int(re.search(r"memory: about (\d+) MB at the peak", run.stderr).group(1))
    return estimate, int(re.search(r"memory: (\d+) MB at the peak after evaluating", run.stderr).group(1))


@pytest.mark.parametrize("words", [["-O0"], ["-O1"], ["-O1", "--threads", "1"], ["-O2", "--threads", "2"], ["-O1", "--scheme", "w4a16"]], ids=" ".join)
def test_the_estimate_comes_before_the_run_and_is_of_the_right_size(program, tmp_path, words):
    estimate, peak = said(program, tmp_path / "out.onnx", *words)
    assert peak / 1.25 < estimate < peak * 1.25


def test_the_weights_of_a_wide_convolution_count_where_ranges_are_chosen(program, tmp_path):
    """Several options of one range are judged at once, each of them by a copy of the weights."""
    random = np.random.default_rng(0)
    shapes = {"w1": (2560, 16, 1, 1), "w2": (2560, 2560, 1, 1), "w3": (4, 2560, 1, 1)}
    weights = {name: random.normal(0, shape[1]**-0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"]), helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Conv", ["b", "w2"], ["c"]),
             helper.make_node("Relu", ["c"], ["d"]), helper.make_node("Conv", ["d", "w3"], ["y"])]
    model = save(tmp_path / "wide.onnx", nodes, weights, inputs={"x": [1, 16, 4, 4]}, outputs={"y": [None] * 4})
    (tmp_path / "calib").mkdir()
    for number in range(10):
        np.save(tmp_path / "calib" / f"{number}.npy", random.normal(size=(1, 16, 4, 4)).astype(np.float32))
    run = start(program, model, "--calib", tmp_path / "calib", "-o", tmp_path / "out.onnx", "-O2", "--without", "fit-weights", "--latency-runs", "0",
                "--pictures", "1", "--threads", "8", "-v")
    assert run.returncode == 0, run.stderr
    estimate, peak = figures(run)
    assert peak < 1.25 * estimate


@pytest.fixture(scope="module")
def large_pictures(tmp_path_factory):
    """Decoding one of them takes several times what the model needs."""
    folder = tmp_path_factory.mktemp("large")
    for number in range(3):
        Image.linear_gradient("L").rotate(90 * number).resize((6000, 4000)).convert("RGB").save(folder / f"{number}.jpg")
    return folder


def test_large_pictures_count(program, tmp_path, large_pictures):
    estimate, peak = said(program, tmp_path / "out.onnx", "-O0", "--threads", "2", "--test", DEMO / "test", calib=large_pictures)
    assert peak / 1.25 < estimate < peak * 1.25


def test_a_limit_that_large_pictures_exceed_is_said_to_be_and_nearly_kept(program, tmp_path, large_pictures):
    run = start(program, DEMO / "model.onnx", "--calib", large_pictures, "--test", DEMO / "test", "-o", tmp_path / "out.onnx", "-O0", "--latency-runs", "0",
                "--pictures", "1", "--threads", "4", "--memory-limit", "190MB", "-v")
    assert run.returncode == 0, run.stderr
    estimate, peak = figures(run)
    assert f"warning: the --memory-limit may not be kept: about {estimate} MB are estimated" in run.stderr
    assert ", 1 samples at once" in run.stderr
    assert peak < 1.25 * estimate < 500  # four of them at once take more


def test_a_limit_is_kept_and_the_bytes_under_it_do_not_depend_on_threads(program, tmp_path):
    for threads in (1, 4):
        assert said(program, tmp_path / f"{threads}.onnx", "--memory-limit", "190MB", "--threads", str(threads))[1] <= 190
    assert (tmp_path / "1.onnx").read_bytes() == (tmp_path / "4.onnx").read_bytes()


def test_a_limit_that_the_model_alone_exceeds_is_refused_with_what_is_needed(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", "--memory-limit", "20MB")
    assert run.returncode == 2
    needed = re.search(r"--memory-limit 20MB is too little: this model needs (\d+)MB", run.stderr)
    assert needed
    assert not list(tmp_path.iterdir())
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", "--samples", "4", "-O0", "--latency-runs", "0",
                "--memory-limit", needed.group(1) + "MB")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("size", ["much", "-3", "-1GB", "1.5GB", "2XB", "99999999999999999999", "99999999999GB"])
def test_a_size_that_is_none_is_a_usage_error(program, tmp_path, size):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", f"--memory-limit={size}")
    assert run.returncode == 2
    assert "--memory-limit: " in run.stderr
    assert not list(tmp_path.iterdir())


def test_a_size_without_its_unit_is_said_to_lack_it(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", "--memory-limit", "100")
    assert run.returncode == 2
    assert "'100' lacks its unit" in run.stderr
    assert "100MB" in run.stderr


def test_a_limit_of_what_is_needed_is_taken_and_nearly_kept(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", tmp_path / "out.onnx", "--memory-limit", "20MB", "--threads", "1")
    needed = int(re.search(r"this model needs (\d+)MB", run.stderr).group(1))
    estimate, peak = said(program, tmp_path / "out.onnx", "--memory-limit", f"{needed}MB", "--threads", "1")
    assert estimate <= needed
    assert peak < 1.25 * needed


def test_the_long_form_keeps_to_the_limit_and_makes_the_same_bytes(program, tmp_path):
    words = ["--calib", DEMO / "calib", "--samples", "24", "--memory-limit", "190MB"]
    said(program, tmp_path / "short.onnx", "--memory-limit", "190MB")
    for command in (["calibrate", DEMO / "model.onnx", *words, "-o", tmp_path / "s.json"],
                    ["apply", DEMO / "model.onnx", *words, "--statistics", tmp_path / "s.json", "-o", tmp_path / "long.onnx", "--latency-runs", "0",
                     "--pictures", "1"]):
        run = start(program, *command)
        assert run.returncode == 0, run.stderr
        assert "memory: about" in run.stderr
    assert (tmp_path / "long.onnx").read_bytes() == (tmp_path / "short.onnx").read_bytes()
    run = start(program, "calibrate", DEMO / "model.onnx", *words[:-1], "20MB", "-o", tmp_path / "t.json")
    assert run.returncode == 2
