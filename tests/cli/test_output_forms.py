"""What is said and how, and that it is the same every time: quiet, JSON lines, versions, colors; the same bytes for any number of threads."""

import json
import os
import pty
import re
import subprocess

import onnx
import pytest
from conftest import ROOT
from models import two_convolutions
from support import QUICK, draw_pictures, quantize, report_of, start

DEMO = ROOT / "data" / "demo"


@pytest.fixture
def job(tmp_path):
    """A run with something to warn about."""
    pictures = draw_pictures(tmp_path / "pictures")
    (pictures / "picture_99.png").write_bytes(b"no picture")
    return two_convolutions(tmp_path / "model.onnx"), pictures, tmp_path / "out.onnx"


def test_quiet_says_nothing_but_warnings(program, job):
    run = quantize(program, *job, "-q", quick=QUICK[2:])
    assert run.stdout == ""
    [line] = run.stderr.splitlines()
    assert line.startswith("warning: ")


def test_a_normal_run_ends_with_a_dozen_lines(program, job):
    run = quantize(program, *job)
    assert 8 <= len(run.stdout.splitlines()) <= 18
    for word in ("Size", "smaller", "PSNR", "out.report.html"):
        assert word in run.stdout


def test_no_name_in_a_model_steers_the_terminal(program, tmp_path):
    model = onnx.load(two_convolutions(tmp_path / "plain.onnx"))
    for node in model.graph.node:
        node.name += "\x1b[31mred"
        for names in (node.input, node.output):
            names[:] = [name + "\x1b[31mred" if name == "middle" else name for name in names]
    onnx.save(model, tmp_path / "model.onnx")
    pictures = draw_pictures(tmp_path / "pictures")
    job = [tmp_path / "model.onnx", "--calib", pictures, "--samples", "6", "-O0"]
    for words in ([*job, "--dry-run"], ["sensitivity", *job, "-o", tmp_path / "s.json"],
                  [*job, "-o", tmp_path / "out.onnx", "--latency-runs", "0", "--min-agreement", "0.1"], ["inspect", tmp_path / "out.onnx", "-v"]):
        run = start(program, *words)
        assert run.returncode == 0, run.stderr
        assert "?[31mred" in run.stdout
        assert "\x1b" not in run.stdout + run.stderr
    assert "?[31mred" in (tmp_path / "out.report.md").read_text(encoding="utf-8")
    assert "\x1b" not in (tmp_path / "out.report.md").read_text(encoding="utf-8")


def test_verbose_says_more(program, job):
    assert len(quantize(program, *job, "-v").stderr.splitlines()) > 5


def test_log_lines_are_json_objects(program, job):
    lines = quantize(program, *job, "--log-json", "-v", quick=QUICK[2:]).stderr.splitlines()
    objects = [json.loads(line) for line in lines]
    assert {entry["level"] for entry in objects} >= {"debug", "warning"}
    assert all(entry["message"] for entry in objects)


def test_version_names_the_libraries(program):
    run = start(program, "--version")
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(r"quantize \d+\.\d+\.\d+ \(ONNX \d+\.\d+\.\d+, ONNX Runtime \d+\.\d+\.\d+\)\n", run.stdout)


def on_a_terminal(program, job, environment):
    """What the program writes to standard error where that is a terminal."""
    ours, theirs = pty.openpty()
    command = [str(word) for word in (program, job[0], "--calib", job[1], "-o", job[2], *QUICK[2:])]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:  # the other end was closed
        pass
    os.close(ours)
    assert running.wait() == 0
    return written


def test_colors_are_for_terminals_that_want_them(program, job):
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")} | {"TERM": "xterm-256color"}
    color = re.compile(rb"\x1b\[[0-9;]*m")
    assert color.search(on_a_terminal(program, job, plain))
    assert not color.search(on_a_terminal(program, job, plain | {"NO_COLOR": "1"}))
    assert "\x1b" not in quantize(program, *job, env=plain).stderr


def test_a_terminal_sees_progress(program, job):
    assert b"calibrate" in on_a_terminal(program, job, dict(os.environ))


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2"])
def test_the_same_bytes_for_any_number_of_threads_and_every_time(program, tmp_path, level):
    made = []
    for number, threads in enumerate(("1", "2", "4", "2")):
        output = tmp_path / f"{number}.onnx"
        quantize(program, DEMO / "model.onnx", DEMO / "calib", output, "--samples", "4", "--latency-runs", "0", level, "--threads", threads, quick=[])
        made.append(output.read_bytes())
    assert [data == made[0] for data in made] == [True] * 4


def test_the_same_figures_every_time(program, job):
    figures = []
    for threads in ("1", "3"):
        quantize(program, *job, "--threads", threads)
        report = report_of(job[2])
        figures.append({name: report[name] for name in ("fp32", "quantized", "calibration", "test", "sizes", "accuracy", "layers", "decisions", "histograms")})
    assert figures[0] == figures[1]
