"""What a run says of its memory, and how it keeps within a limit."""

import re

import pytest
from conftest import ROOT
from support import start

DEMO = ROOT / "data" / "demo"


def said(program, output, *words):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", output, "--samples", "24", "--latency-runs", "0", "--pictures", "1",
                "-v", *words)
    assert run.returncode == 0, run.stderr
    estimate = int(re.search(r"memory: about (\d+) MB at the peak", run.stderr).group(1))
    return estimate, int(re.search(r"memory: (\d+) MB at the peak after evaluating", run.stderr).group(1))


def test_the_estimate_comes_before_the_run_and_is_of_the_right_size(program, tmp_path):
    estimate, peak = said(program, tmp_path / "out.onnx")
    assert peak / 2 < estimate < peak * 2


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
