"""What the command-line tests share: one whole run of the program on the demonstration data."""

import os
import pathlib
import subprocess

import pytest
from models import two_convolutions
from support import draw_pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def program():
    """The program under test; ctest says where it was built."""
    if "QUANTIZE_PROGRAM" not in os.environ:
        pytest.fail("QUANTIZE_PROGRAM must name the quantize binary", pytrace=False)
    return os.environ["QUANTIZE_PROGRAM"]


@pytest.fixture(scope="session")
def job(tmp_path_factory):
    """A small model and pictures with which nothing is wrong."""
    folder = tmp_path_factory.mktemp("job")
    return two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures")


@pytest.fixture(scope="session")
def demo_run(program, tmp_path_factory):
    """The folder in which one W8A8 run on data/demo left out.onnx and its reports."""
    folder, demo = tmp_path_factory.mktemp("demo"), ROOT / "data" / "demo"
    command = [program, demo / "model.onnx", "--calib", demo / "calib", "--test", demo / "test", "--labels", demo / "labels", "--scheme", "w8a8",
               "--samples", "8", "-o", folder / "out.onnx"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    return folder
