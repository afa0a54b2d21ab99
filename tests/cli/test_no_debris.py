"""Results that cannot be written, and runs that are stopped: the documented exit code, one line, and no file left behind."""

import contextlib
import os
import resource
import signal
import subprocess
import time

import pytest
from conftest import ROOT
from models import two_convolutions
from support import QUICK, complaints, draw_pictures, listing, quantize, start

MODEL, OUTPUT, INTERRUPTED = 3, 5, 130
DEMO = ROOT / "data" / "demo"


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    return two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures")


def expect_output_error(ended, word):
    [line] = complaints(ended)
    assert line.startswith("error: ")
    assert str(word) in line
    assert (ended.returncode, ended.stdout) == (OUTPUT, "")


@pytest.mark.parametrize("place", ["missing/out.onnx", "file/out.onnx"])
def test_an_output_folder_that_is_none_is_named(program, job, tmp_path, place):
    (tmp_path / "file").touch()
    ended = start(program, job[0], "--calib", job[1], "-o", tmp_path / place, *QUICK)
    expect_output_error(ended, (tmp_path / place).parent)
    assert listing(tmp_path) == ["file"]


def test_a_folder_is_no_output_file(program, job, tmp_path):
    expect_output_error(start(program, job[0], "--calib", job[1], "-o", tmp_path, *QUICK), tmp_path)


def test_a_name_that_no_file_can_have_is_an_error_like_any_other(program, job, tmp_path):
    name = "n" * 300 + ".onnx"
    expect_output_error(start(program, job[0], "--calib", job[1], "-o", tmp_path / name, *QUICK), "name too long")
    for command in ([], ["compile"]):
        ended = start(program, *command, tmp_path / name, *([] if command else ["--calib", job[1], *QUICK]))
        assert (ended.returncode, listing(tmp_path)) == (MODEL, []), ended.stderr


def test_an_output_folder_that_refuses_files_is_named(program, job):
    expect_output_error(start(program, job[0], "--calib", job[1], "-o", "/proc/out.onnx", *QUICK), "/proc")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_write_permission_is_named_at_once(program, job, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    ended = start(program, job[0], "--calib", job[1], "-o", tmp_path / "locked" / "out.onnx", *QUICK)
    expect_output_error(ended, tmp_path / "locked")


def test_a_report_that_cannot_be_put_in_place_takes_the_model_back(program, job, tmp_path):
    (tmp_path / "out.report.html").mkdir()
    (tmp_path / "out.report.html" / "something").touch()
    expect_output_error(start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *QUICK), "out.report.html")
    assert listing(tmp_path) == ["out.report.html", "out.report.html/something"]


@pytest.mark.parametrize("limit", [0, 1000, 20_000])
def test_a_file_that_may_not_grow_leaves_nothing(program, job, tmp_path, limit):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    # Through pipes, which that limit does not concern.
    ended = start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *QUICK, preexec_fn=limited)
    expect_output_error(ended, "too large")
    assert listing(tmp_path) == []


@contextlib.contextmanager
def small_disk(folder, options):
    """A file system of its own at `folder`."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("size", ["4k", "24k"])
def test_a_full_disk_is_named_and_leaves_nothing(program, job, tmp_path, size):
    with small_disk(tmp_path / "disk", f"size={size}") as disk:
        expect_output_error(start(program, job[0], "--calib", job[1], "-o", disk / "out.onnx", *QUICK), "No space left")
        assert listing(disk) == []


def test_a_disk_that_may_only_be_read_is_named_at_once(program, job, tmp_path):
    with small_disk(tmp_path / "disk", "ro") as disk:
        ended = start(program, job[0], "--calib", job[1], "-o", disk / "out.onnx", *QUICK, "-v")
        expect_output_error(ended, disk)


def start_long_run(program, folder):
    """A run of minutes; returns once it is at work, which its first message says."""
    command = [program, DEMO / "model.onnx", "--calib", DEMO / "calib", "-o", folder / "out.onnx", "--latency-runs", "100000", "-O1", "-v"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr.readline().startswith("debug: ")
    return running


@pytest.mark.parametrize(("sent", "moment"), [(signal.SIGINT, 0), (signal.SIGINT, 0.2), (signal.SIGINT, 0.6), (signal.SIGINT, 1.2), (signal.SIGINT, 2.5),
                                              (signal.SIGINT, 7), (signal.SIGTERM, 0), (signal.SIGTERM, 1.5)])
def test_a_run_that_is_stopped_leaves_nothing(program, tmp_path, sent, moment):
    running = start_long_run(program, tmp_path)
    time.sleep(moment)
    running.send_signal(sent)
    output, errors = running.communicate(timeout=20)
    assert running.returncode == INTERRUPTED, errors
    assert [line for line in errors.splitlines() if line.startswith("error: ")] == ["error: interrupted; nothing was written"]
    assert output == ""
    assert listing(tmp_path) == []


def test_an_output_that_is_a_link_becomes_a_file_and_what_it_led_to_stays(program, job, tmp_path):
    (tmp_path / "v3.onnx").write_bytes(b"the third version")
    (tmp_path / "latest.onnx").symlink_to("v3.onnx")
    quantize(program, *job, tmp_path / "latest.onnx")
    assert (tmp_path / "v3.onnx").read_bytes() == b"the third version"
    assert not (tmp_path / "latest.onnx").is_symlink()


def test_what_stood_there_before_survives_a_run_that_is_stopped(program, job, tmp_path):
    quantize(program, *job, tmp_path / "out.onnx")
    before = {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)}
    running = start_long_run(program, tmp_path)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == INTERRUPTED
    assert {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)} == before


def signal_state(running, field):
    """Bits of signals that the main thread blocks (SigBlk) or that wait for the process (ShdPnd)."""
    with open(f"/proc/{running.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith(field))


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def stuck(program, tmp_path):
    """A run in the middle of something that takes for ever: its model is a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "model.onnx")
    with subprocess.Popen([program, "inspect", tmp_path / "model.onnx"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        until(lambda: signal_state(running, "SigBlk") & 1 << (signal.SIGINT - 1))
        yield running
        running.kill()


def send(running, sent):
    """Returns once the program has taken it."""
    running.send_signal(sent)
    until(lambda: running.poll() is not None or signal_state(running, "ShdPnd") == 0)


def test_a_second_interrupt_ends_the_program_at_once(stuck):
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        send(stuck, sent)
    time.sleep(0.3)
    assert stuck.poll() is None  # only Ctrl-C counts
    send(stuck, signal.SIGINT)
    assert stuck.wait(timeout=20) == INTERRUPTED


def test_inspect_ends_when_it_is_interrupted(stuck, job, tmp_path):
    send(stuck, signal.SIGINT)
    (tmp_path / "model.onnx").write_bytes(job[0].read_bytes())
    assert stuck.communicate(timeout=20) == ("", "error: interrupted; nothing was written\n")
    assert stuck.returncode == INTERRUPTED
