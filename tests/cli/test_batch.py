"""Many jobs from one file: what runs, what is not run again, and what the whole says of its parts."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest
from conftest import ROOT
from models import two_convolutions
from PIL import Image
from support import draw_pictures, listing, start

DEMO = ROOT / "data" / "demo"
QUICK = "latency-runs = 0\npictures = 0\noptimize = 0\nsamples = 6\n"
TWO_BY_TWO = f'[defaults]\ncalib = "images"\n{QUICK}\n[[job]]\nmodel = "nets/*.onnx"\nscheme = ["w8a8", "w4a16"]\n'
NAMES = ["a.w8a8", "a.w4a16", "b.w8a8", "b.w4a16"]


@pytest.fixture
def place(tmp_path):
    """A folder with two models and pictures."""
    (tmp_path / "nets").mkdir()
    two_convolutions(tmp_path / "nets" / "a.onnx")
    two_convolutions(tmp_path / "nets" / "b.onnx", opset=13)
    draw_pictures(tmp_path / "images")
    return tmp_path


def batch(program, place, text, *options, code=0):
    (place / "jobs.toml").write_text(text, encoding="utf-8")
    run = start(program, "batch", place / "jobs.toml", "-o", place / "out", *options)
    assert run.returncode == code, run.stderr + run.stdout
    return run


def rows(place):
    return {row["name"]: row for row in json.loads((place / "out" / "batch.json").read_text(encoding="utf-8"))["jobs"]}


def test_models_times_schemes_make_what_single_runs_make(program, place):
    run = batch(program, place, TWO_BY_TWO, "--workers", "2")
    assert list(rows(place)) == NAMES
    for name in NAMES:
        model, scheme = name.split(".")
        single = start(program, place / "nets" / f"{model}.onnx", "--calib", place / "images", "--scheme", scheme, "-O0", "--samples", "6", "--latency-runs", "0",
                       "-o", place / "single.onnx")
        assert single.returncode == 0
        assert (place / "out" / f"{name}.onnx").read_bytes() == (place / "single.onnx").read_bytes()
        assert f"{name}.onnx" in run.stdout
        assert rows(place)[name]["outcome"] == "done"
    assert run.stdout.splitlines()[-1].startswith(f"wrote {place / 'out' / 'batch.html'}")
    assert "a.w8a8.onnx" in (place / "out" / "batch.html").read_text(encoding="utf-8")


def test_no_error_at_all_is_said_as_reports_say_it(program, tmp_path):
    """Black pictures: the quantized convolution gives zeros, and the one behind it, left in float, its biases."""
    two_convolutions(tmp_path / "net.onnx", changed={"b1": np.zeros(8, np.float32)})
    (tmp_path / "images").mkdir()
    for number in range(4):
        Image.new("RGB", (32, 32)).save(tmp_path / "images" / f"{number}.png")
    batch(program, tmp_path, f'[defaults]\ncalib = "images"\npreprocess = "raw"\n{QUICK}\n[[job]]\nmodel = "net.onnx"\nscheme = "w8a8"\nexclude = ["conv2"]\n')
    [row] = rows(tmp_path).values()
    assert (row["psnr_db"], row["sqnr_db"]) == (999, 999)


def test_threads_of_a_job_may_be_all(program, place):
    batch(program, place, TWO_BY_TWO.replace("samples = 6", "samples = 6\nthreads = 0"))
    assert {row["outcome"] for row in rows(place).values()} == {"done"}


def test_what_holds_for_all_jobs_reaches_each(program, place):
    (place / "images" / "broken.png").write_bytes(b"no picture")
    own = 'provider = ["CPUExecutionProvider"]\nstrict-provider = true\n'  # another option of nearly the same name
    batch(program, place, TWO_BY_TWO + own, "--strict", code=4)
    assert all("broken.png" in row["outcome"] for row in rows(place).values())


def test_jobs_override_defaults_and_lists_of_settings_multiply(program, place):
    batch(program, place, f'[defaults]\ncalib = "images"\nscheme = "w8a16"\nmean = [0.4, 0.5, 0.6]\n{QUICK}\n[[job]]\nmodel = "nets/a.onnx"\nmethod = ["minmax", "mse"]\n'
                          '[[job]]\nname = "other"\nmodel = ["nets/a.onnx", "nets/b.onnx"]\nscheme = "w8a8"\nexclude = ["conv2"]\nsamples = 4\n')
    assert list(rows(place)) == ["a.method-minmax.w8a16", "a.method-mse.w8a16", "other.a.w8a8", "other.b.w8a8"]
    report = json.loads((place / "out" / "other.b.w8a8.report.json").read_text(encoding="utf-8"))
    config = {entry["name"]: entry["value"] for entry in report["config"]}
    assert (config["samples"], config["exclude"], config["mean"]) == ("4", "conv2", "0.4,0.5,0.6")


def test_finished_work_is_not_done_again_until_something_it_depends_on_changes(program, place):
    batch(program, place, TWO_BY_TWO)
    before = {name: (place / "out" / f"{name}.onnx").read_bytes() for name in NAMES}
    (place / "out" / "a.w8a8.onnx").unlink()
    batch(program, place, TWO_BY_TWO)
    assert all(row["from_cache"] for row in rows(place).values())
    assert {name: (place / "out" / f"{name}.onnx").read_bytes() for name in NAMES} == before
    two_convolutions(place / "nets" / "a.onnx", opset=15)  # a model changes
    batch(program, place, TWO_BY_TWO)
    assert {name: row["from_cache"] for name, row in rows(place).items()} == {"a.w8a8": False, "a.w4a16": False, "b.w8a8": True, "b.w4a16": True}
    batch(program, place, TWO_BY_TWO.replace("samples = 6", "samples = 5"))  # a setting changes
    assert not any(row["from_cache"] for row in rows(place).values())
    (place / "images" / "picture_00.png").write_bytes((place / "images" / "picture_01.png").read_bytes())  # an image changes
    batch(program, place, TWO_BY_TWO)
    assert not any(row["from_cache"] for row in rows(place).values())


def test_a_job_leaves_the_results_of_others_alone_whatever_they_are_called(program, place):
    for name in ("unet", "unet.part2"):
        two_convolutions(place / "nets" / f"{name}.onnx")
    text = f'[defaults]\ncalib = "images"\n{QUICK}\n[[job]]\nmodel = "nets/unet*.onnx"\n'
    batch(program, place, text)
    before = [name for name in listing(place / "out") if name.startswith("unet.part2.")]
    assert "unet.part2.onnx" in before
    two_convolutions(place / "nets" / "unet.onnx", opset=15)
    batch(program, place, text)
    assert {name: row["from_cache"] for name, row in rows(place).items()} == {"unet": False, "unet.part2": True}
    assert [name for name in listing(place / "out") if name.startswith("unet.part2.")] == before


def test_a_failed_job_does_not_stop_the_others(program, place):
    (place / "nets" / "bad.onnx").write_bytes(b"no model")
    run = batch(program, place, TWO_BY_TWO, code=3)
    outcome = {name: row["outcome"] for name, row in rows(place).items()}
    assert [name for name, text in outcome.items() if text != "done"] == ["bad.w8a8", "bad.w4a16"]
    assert "exit 3" in outcome["bad.w8a8"]
    assert "bad.onnx" in outcome["bad.w8a8"]
    assert "bad.w8a8: failed (exit 3)" in run.stdout
    assert "bad.w8a8" in (place / "out" / "batch.html").read_text(encoding="utf-8")
    assert "bad.w8a8.log" in listing(place / "out")


def test_a_cache_that_cannot_be_written_stops_nothing(program, place):
    (place / "file").touch()
    run = batch(program, place, TWO_BY_TWO, "--cache", place / "file")
    assert {row["outcome"] for row in rows(place).values()} == {"done"}
    assert "a.w8a8 will be run again" in run.stderr


def test_a_report_that_is_gone_is_one_jobs_failure(program, place):
    batch(program, place, TWO_BY_TWO)
    record = next((place / "out" / ".cache").glob("*/record.json"))
    fields = json.loads(record.read_text(encoding="utf-8"))
    del fields["files"][".report.json"]
    record.write_text(json.dumps(fields), encoding="utf-8")
    for name in NAMES:
        (place / "out" / f"{name}.report.json").unlink()
    batch(program, place, TWO_BY_TWO, code=4)
    outcomes = [row["outcome"] for row in rows(place).values() if row["outcome"] != "done"]
    assert len(outcomes) == 1
    assert ".report.json" in outcomes[0]


def test_a_batch_waits_for_its_jobs_also_where_ended_processes_are_ignored(program, place):
    """As started by some servers and schedulers."""
    (place / "jobs.toml").write_text(TWO_BY_TWO, encoding="utf-8")
    run = subprocess.run([program, "batch", place / "jobs.toml", "-o", place / "out"], capture_output=True, timeout=100, check=False,
                         preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert run.returncode == 0, run.stderr
    assert list(rows(place)) == NAMES


def test_a_missed_gate_is_the_worst_of_results_and_is_remembered(program, place):
    text = TWO_BY_TWO + "min-psnr = [1, 500]\n"
    for _ in range(2):
        batch(program, place, text, code=8)
        assert sorted({row["outcome"] for row in rows(place).values()}) == ["done", "missed --min-psnr"]
        assert "a.min-psnr-500.w8a8.report.xml" in listing(place / "out")
    assert all(row["from_cache"] for row in rows(place).values())


def test_a_memory_limit_fails_the_job_alone(program, place):
    batch(program, place, TWO_BY_TWO, "--memory", "32", code=2)
    assert all("only 32 MB (--memory of `quantize batch`" in row["outcome"] for row in rows(place).values()), rows(place)
    assert all(name not in listing(place / "out") for name in ("a.w8a8.onnx", "b.w8a8.onnx"))
    batch(program, place, TWO_BY_TWO, "--memory", "4000")


@pytest.mark.parametrize(("text", "saying"), [
    ("[defaults\n", "line 1"), ("", "no [[job]]"), ("[[job]]\nscheme = 'w8a8'\n", "no model"), ("[job]\nmodel = 'nets/a.onnx'\n", "[[job]]"),
    ("[[job]]\nmodel = 'nothing/*.onnx'\ncalib = 'images'\n", "nothing/*.onnx"), ("[[job]]\nmodel = 'nets/a.onnx'\ncalb = 'images'\n", "did you mean 'calib'"),
    ("[[job]]\nmodel = 'nets/a.onnx'\nscheme = ['w8a8', 'w9a9']\n", "w9a9"), ("[[job]]\nmodel = ['nets/a.onnx', 'nets/a.onnx']\n", "two jobs"),
    ("[[job]]\nmodel = 'nets/a.onnx'\nscheme = []\n", "empty"), ("[[job]]\nmodel = 'nets/a.onnx'\nscheme = { a = 1 }\n", "scheme"),
    ("[[job]]\nmodel = 'nets/a.onnx'\noutput = 'x'\n", "output"), ("[[job]]\nmodel = 'nets/a.onnx'\nsamples = 1979-05-27\n", "samples")])
def test_a_jobs_file_that_cannot_work_is_refused_before_anything_runs(program, place, text, saying):
    run = batch(program, place, text, code=2)
    [line] = run.stderr.splitlines()
    assert "jobs.toml" in line
    assert saying in line
    assert not (place / "out").exists()


# Beside four small jobs, one that takes far longer: it must still be at work when they are done, on a busy machine too.
AND_A_LONG_ONE = TWO_BY_TWO + f'[[job]]\ncalib = "{DEMO}/calib"\nmodel = "{DEMO}/model.onnx"\nscheme = "w8a8"\noptimize = 3\nsamples = 100\n'


def workers_of(place):
    """Process numbers of the jobs at work: those that were told to write into this folder."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(f"--output={place}".encode()) for word in words):
            found.append(int(entry))
    return found


def finished(place):
    """How many jobs are in the cache; a record that is still being written stands in a hidden folder."""
    return sum(name.endswith("record.json") and ".quantize-" not in name for name in listing(place / "out"))


def started(program, place, text):
    (place / "jobs.toml").write_text(text, encoding="utf-8")
    running = subprocess.Popen([program, "batch", place / "jobs.toml", "-o", place / "out", "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not workers_of(place):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return running


def test_a_crash_of_one_job_leaves_the_others(program, place):
    running = started(program, place, AND_A_LONG_ONE)
    deadline = time.monotonic() + 60
    while finished(place) < 4 or not workers_of(place):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(workers_of(place)[0], signal.SIGSEGV)
    running.communicate(timeout=60)
    assert running.returncode == 1
    outcome = {name: row["outcome"] for name, row in rows(place).items()}
    assert outcome.pop("model.w8a8").startswith("crashed (signal 11)")
    assert set(outcome.values()) == {"done"}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_batch_that_is_stopped_takes_its_jobs_along_and_goes_on_where_it_was(program, place, sent):
    running = started(program, place, AND_A_LONG_ONE)
    deadline = time.monotonic() + 60
    while finished(place) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(sent)
    running.communicate(timeout=60)
    assert running.returncode == (-signal.SIGKILL if sent == signal.SIGKILL else 130)
    deadline = time.monotonic() + 30
    while workers_of(place):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "model.w8a8.onnx" not in listing(place / "out")
    batch(program, place, AND_A_LONG_ONE.replace("optimize = 3\nsamples = 100", "optimize = 0\nsamples = 6"))
    assert {name: row["from_cache"] for name, row in rows(place).items()} == {**dict.fromkeys(NAMES, True), "model.w8a8": False}
    assert not [name for name in listing(place / "out") if ".quantize-" in name]
