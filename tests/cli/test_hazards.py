"""What endangers a quantized model is refused or solved, and the report says so."""

import numpy as np
import onnx
import pytest
from models import two_convolutions, weights
from support import QUICK, draw_pictures, quantize, report_of, start

USAGE = 2


def hazards(output):
    return [step["outcome"] for step in report_of(output)["steps"] if step["name"] == "hazard"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures"), count=20)


def test_random_data_is_used_when_asked_for_and_said_in_the_report(program, tmp_path):
    model = two_convolutions(tmp_path / "model.onnx")
    run = quantize(program, model, "random", tmp_path / "a.onnx", "--seed", "3")
    quantize(program, model, "random", tmp_path / "b.onnx", "--seed", "3", "--threads", "1")
    quantize(program, model, "random", tmp_path / "c.onnx", "--seed", "4")
    assert "warning: random data" in run.stderr
    assert any("random data" in warning for warning in report_of(tmp_path / "a.onnx")["warnings"])
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes() != (tmp_path / "c.onnx").read_bytes()


def test_random_data_for_free_dimensions_asks_for_a_shape(program, tmp_path):
    model = two_convolutions(tmp_path / "model.onnx", inputs={"x": [1, 3, "H", "W"]})
    ended = start(program, model, "--calib", "random", "-o", tmp_path / "out.onnx", *QUICK)
    assert ended.returncode == USAGE
    assert "--input-shape" in ended.stderr
    quantize(program, model, "random", tmp_path / "out.onnx", "--input-shape", "1x3x32x32")


def test_a_healthy_model_has_no_hazards(program, tmp_path, pictures):
    quantize(program, two_convolutions(tmp_path / "model.onnx"), pictures, tmp_path / "out.onnx")
    assert hazards(tmp_path / "out.onnx") == []


@pytest.mark.parametrize("level", ["-O0", "-O1"])
@pytest.mark.parametrize(("factor", "words"), [(0, "1 channel of the weights is zero"), (1e-30, "was raised so that the bias fits int32"),
                                               (1e4, "every channel has a scale of its own")])
def test_a_strange_channel_is_solved_and_named(program, tmp_path, pictures, factor, words, level):
    changed = weights()["w1"]
    changed[2] *= factor
    model = two_convolutions(tmp_path / "model.onnx", changed={"w1": changed})
    quantize(program, model, pictures, tmp_path / "out.onnx", quick=["--latency-runs", "0", level])
    assert any(words in line and "conv1" in line for line in hazards(tmp_path / "out.onnx")), hazards(tmp_path / "out.onnx")
    assert report_of(tmp_path / "out.onnx")["accuracy"]["psnr_db"] > 35


@pytest.mark.parametrize(("options", "narrowed"), [([], True), (["--cpu", "any"], True), (["--cpu", "vnni"], False)])
def test_weights_have_7_bits_where_other_processors_would_cut_sums(program, tmp_path, pictures, options, narrowed):
    """Whatever the processor of this machine: the file is for all of them unless it is said to be for one."""
    output = tmp_path / "out.onnx"
    quantize(program, two_convolutions(tmp_path / "model.onnx"), pictures, output, *options)
    [weight] = [tensor for tensor in onnx.load(output).graph.initializer if len(tensor.dims) == 4]
    largest = np.abs(onnx.numpy_helper.to_array(weight).astype(int)).max(axis=(1, 2, 3))
    channels = np.count_nonzero(largest <= 63)
    assert set(largest) == ({63, 127} if narrowed else {127})
    outcomes = [step["outcome"] for step in report_of(output)["steps"] if step["name"] == "avoid-overflow"]
    assert len(outcomes) == int(narrowed)
    assert all(f"7-bit weights in {channels} of 8 output channels" in outcome for outcome in outcomes)


def test_images_that_still_move_the_ranges_are_reported_with_the_tensors(program, tmp_path):
    folder = tmp_path / "samples"
    folder.mkdir()
    for number in range(20):
        np.save(folder / f"{number:02}.npy", np.random.default_rng(number).normal(0, 1 if number < 18 else 9, (1, 3, 32, 32)).astype(np.float32))
    output = tmp_path / "out.onnx"
    quantize(program, two_convolutions(tmp_path / "model.onnx"), folder, output, quick=["--latency-runs", "0", "-O0", "--test", folder])
    [warning] = [text for text in report_of(output)["warnings"] if "calibration has not converged" in text]
    assert "'x'" in warning
    assert len(warning) < 400
    assert "more images" not in warning, "which cannot be known"
    [calibrate] = [step["outcome"] for step in report_of(output)["steps"] if step["name"] == "calibrate"]
    assert "; its last tenth still moves '" in calibrate
    assert "'x' [" in calibrate


def test_weights_of_the_written_model_are_finite(program, tmp_path, pictures):
    changed = weights()["w1"]
    changed[:] = 0
    quantize(program, two_convolutions(tmp_path / "model.onnx", changed={"w1": changed}), pictures, tmp_path / "out.onnx", "--weights", "per-tensor")
    model = onnx.load(tmp_path / "out.onnx")
    for tensor in model.graph.initializer:
        assert np.isfinite(onnx.numpy_helper.to_array(tensor).astype(np.float64)).all(), tensor.name
