"""The optimisation levels: what each does, that its report has one line per step, and that single steps can be left out."""

import numpy as np
import onnx
import pytest
from models import count, factor_behind_a_sum, two_convolutions
from onnx import helper
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
    if steps:
        assert "sqnr_after_db" in steps[-1]  # weights are fitted in every model
        assert ("; learned rounding SQNR" in steps[-1]["outcome"]) == (level == "3")
    assert report["accuracy"]["psnr_db"] > 25


def test_layers_are_compared_with_fp32_and_not_with_the_fitted_weights(program, job):
    """4-bit weights lose some 20 to 40 dB, 16-bit activations after 90: against weights on their grid the layer would seem to lose nothing."""
    report = run(program, job, "-O1", "--scheme", "w4a16")
    assert report["layers"][0]["sqnr_db"] == pytest.approx(report["accuracy"]["sqnr_db"], abs=10)


def test_the_report_advises_the_next_level(program, job):
    poor = ["--scheme", "w4a16", "--weights", "per-tensor"]
    [first, *_] = run(program, job, *poor, "--optimize=0")["advice"]
    assert first["command"].endswith("out.O1.onnx -O1")
    assert "--optimize" not in first["command"]


def test_the_plain_level_takes_min_max_unless_told_otherwise(program, job):
    assert {row["method"] for row in run(program, job, "-O0")["histograms"]} == {"minmax"}
    assert {row["method"] for row in run(program, job, "-O0", "--method", "mse")["histograms"]} == {"mse"}


def test_16_bits_leave_room_beyond_what_was_seen(program, job, tmp_path):
    [relu] = run(program, job, "-O1", "--scheme", "w8a16")["histograms"]
    assert relu["low"] == 0 < 1.2 * relu["max"] <= relu["high"]
    leaky = two_convolutions(tmp_path / "leaky.onnx", between=[helper.make_node("LeakyRelu", ["conv1_out"], ["middle"], "leaky", alpha=0.5)])
    rows = run(program, (leaky, *job[1:]), "-O1", "--scheme", "w8a16")["histograms"]
    assert "middle" in {row["tensor"] for row in rows}
    for row in rows:
        assert row["low"] <= 1.2 * row["min"] < 0 < 1.2 * row["max"] <= row["high"]


def test_a_step_can_be_left_out(program, job):
    names = [step["name"] for step in run(program, job, "-O2", "--without", "equalize", "--without", "ranges")["steps"]]
    assert "fit-weights" in names
    assert not {"equalize", "ranges"} & set(names)


@pytest.fixture(scope="module")
def fitted(program, job, tmp_path_factory):
    """fitted(options): the bytes of a model with three layers of 4-bit weights, at the highest level; without options made once."""
    folder = tmp_path_factory.mktemp("fitted")
    model, done = factor_behind_a_sum(folder / "model.onnx"), {}

    def make(*options):
        if options not in done:
            quantize(program, model, job[1], folder / "out.onnx", "--scheme", "w4a16", "-O3", *options, quick=["--latency-runs", "0"])
            done[options] = (folder / "out.onnx").read_bytes()
        return done[options]

    return make


@pytest.mark.parametrize("method", ["target", "scale", "gptq", "descent", "rescale", "learned", "bias-correction"])
def test_a_method_of_fitting_weights_can_be_left_out(fitted, method):
    assert fitted("--without", method) != fitted()


def test_migration_can_be_left_out(program, job, tmp_path):
    """Behind a LayerNormalization whose channels differ in size by far, and whose reader makes up for that."""
    random = np.random.default_rng(1)
    gain = np.exp(random.normal(0, 1.5, 32))
    values = {"gain": gain, "shift": np.zeros(32), "w3": random.normal(0, 0.3, (32, 32)) / gain[:, None]}
    nodes = [helper.make_node("LayerNormalization", ["conv1_out", "gain", "shift"], ["normal"], "norm"),
             helper.make_node("MatMul", ["normal", "w3"], ["middle"], "product")]
    model = two_convolutions(tmp_path / "model.onnx", between=nodes, changed={name: value.astype(np.float32) for name, value in values.items()})
    quality = {}
    for options in ((), ("--without", "migrate")):
        report = run(program, (model, *job[1:]), "-O1", *options)
        assert any(step["name"] == "migrate" for step in report["steps"]) == (not options)
        quality[options] = report["accuracy"]["psnr_db"]
    assert quality[()] > quality["--without", "migrate"] + 6


@pytest.mark.parametrize(("op_type", "step", "in_float"), [("PRelu", "integer-prelu", "Mul"), ("HardSwish", "integer-hard-swish", "HardSwish")])
def test_an_activation_can_be_left_in_float(program, job, tmp_path, op_type, step, in_float):
    """PRelu as Max (x, slope * x), which is faster. In integers either is one more convolution, depthwise."""
    inputs = ["conv1_out", "slopes"] if op_type == "PRelu" else ["conv1_out"]
    model = two_convolutions(tmp_path / "model.onnx", between=[helper.make_node(op_type, inputs, ["middle"], "activation")],
                             changed={"slopes": np.linspace(0, 1, 8, dtype=np.float32).reshape(8, 1, 1)})
    for options in ((), ("--without", step)):
        report, written = run(program, (model, *job[1:]), "-O0", *options), onnx.load(job[2])
        assert count(written, "Conv") == (1 if options else 2)
        assert report["accuracy"]["psnr_db"] > 25
    assert count(written, in_float) == 1


def test_an_unknown_step_is_refused_with_those_there_are(program, job):
    result = start(program, job[0], "--calib", job[1], "-o", job[2], "--without", "magic")
    assert result.returncode == 2
    assert "magic" in result.stderr and "fit-weights" in result.stderr
