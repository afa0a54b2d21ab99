"""The optimisation levels: what each does, that its report has one line per step, and that single steps can be left out."""

import pytest
from models import two_convolutions
from support import draw_pictures, quantize, report_of, start

NO_LATENCY = ["--latency-runs", "0", "--samples", "16"]
STEPS = {"0": [], "1": ["equalize", "fit-weights"], "2": ["equalize", "absorb-bias", "ranges", "fit-weights"],
         "3": ["equalize", "absorb-bias", "ranges", "fit-weights"]}
OPTIMIZER = set(STEPS["3"])


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("levels")
    return two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures", count=20), folder / "out.onnx"


def run(program, job, *arguments):
    quantize(program, *job, *arguments, quick=NO_LATENCY)
    return report_of(job[2])


@pytest.mark.parametrize("level", STEPS)
def test_every_step_of_a_level_has_one_line_with_what_it_gained(program, job, level):
    report = run(program, job, f"-O{level}")
    steps = [step for step in report["steps"] if step["name"] in OPTIMIZER]
    assert [step["name"] for step in steps] == STEPS[level]
    for step in steps:
        if step["outcome"] in ("nothing to scale", "nothing to absorb", "the automatic range is best everywhere"):
            assert not {"sqnr_before_db", "sqnr_after_db"} & set(step)
        else:
            assert f"SQNR {step['sqnr_before_db']:.2f} -> {step['sqnr_after_db']:.2f} dB" in step["outcome"]
    assert steps == [] or "sqnr_after_db" in steps[-1]  # weights are fitted in every model
    assert report["accuracy"]["psnr_db"] > 25


def test_the_plain_level_takes_min_max_unless_told_otherwise(program, job):
    assert {row["method"] for row in run(program, job, "-O0")["histograms"]} == {"minmax"}
    assert {row["method"] for row in run(program, job, "-O0", "--method", "mse")["histograms"]} == {"mse"}


def test_16_bits_leave_room_beyond_what_was_seen(program, job):
    rows = run(program, job, "-O1", "--scheme", "w8a16")["histograms"]
    assert rows
    for row in rows:
        assert row["high"] >= 1.2 * row["max"] or row["high"] <= 0


def test_a_step_can_be_left_out(program, job):
    names = [step["name"] for step in run(program, job, "-O2", "--without", "equalize", "--without", "ranges")["steps"]]
    assert "fit-weights" in names
    assert not {"equalize", "ranges"} & set(names)


def test_an_unknown_step_is_refused_with_those_there_are(program, job):
    result = start(program, job[0], "--calib", job[1], "-o", job[2], "--without", "magic")
    assert result.returncode == 2
    assert "magic" in result.stderr and "fit-weights" in result.stderr
