"""Other runtimes and devices: what is quantized for them is accepted by them. Running on simulators is slow and stands in tests/device."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

import models
from devices import installed, needs_openvino, needs_qnn, run_apart
from support import draw_pictures, listing, quantize, report_of, start

SCHEMES = ["w8a8", "w8a16", "w4a16"]


def segmentation_net(path):
    """A little of everything that segmentation networks are made of."""
    random = np.random.default_rng(7)
    def weight(*shape):
        return random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
    values = {"w1": weight(8, 3, 3, 3), "b1": weight(8), "wd": weight(8, 1, 3, 3), "w2": weight(8, 8, 1, 1), "b2": weight(8),
              "wt": weight(8, 8, 2, 2), "bt": weight(8), "w3": weight(5, 16, 1, 1), "b3": weight(5),
              "twice": np.array([1, 1, 2, 2], np.float32), "low": np.array(0, np.float32), "six": np.array(6, np.float32)}
    node = helper.make_node
    nodes = [node("Conv", ["x", "w1", "b1"], ["a"], "stem", pads=[1, 1, 1, 1], strides=[2, 2]), node("Clip", ["a", "low", "six"], ["a6"], "relu6"),
             node("MaxPool", ["a6"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
             node("Conv", ["p", "wd"], ["d"], "depthwise", group=8, pads=[1, 1, 1, 1]), node("Conv", ["d", "w2", "b2"], ["e"], "pointwise"),
             node("Add", ["e", "p"], ["s"], "residual"), node("Relu", ["s"], ["r"], "relu"),
             node("ConvTranspose", ["r", "wt", "bt"], ["t"], "up", strides=[2, 2]),
             node("Resize", ["r", "", "twice"], ["n"], "nearest", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
             node("Concat", ["t", "n"], ["c"], "join", axis=1), node("Conv", ["c", "w3", "b3"], ["y"], "classify")]
    return models.save(path, nodes, values, inputs={"x": [1, 3, 32, 32]}, outputs={"y": [1, 5, 16, 16]})


@pytest.fixture(scope="module")
def made(program, tmp_path_factory):
    """made(target, scheme): the net above quantized, once."""
    folder = tmp_path_factory.mktemp("devices")
    net, pictures, done = segmentation_net(folder / "net.onnx"), draw_pictures(folder / "pictures"), {}

    def make(target, scheme):
        output = folder / f"{target}.{scheme}.onnx"
        if output not in done:
            done[output] = quantize(program, net, pictures, output, "--target", target, "--scheme", scheme)
        return output

    make.net, make.pictures = net, pictures
    return make


def test_what_is_not_installed_names_the_command(program, made, tmp_path):
    run = start(program, made.net, "--calib", made.pictures, "-o", tmp_path / "q.onnx", "--provider", "qnn", env={"QUANTIZE_CACHE": str(tmp_path)})
    assert run.returncode == 2
    assert "tools/setup.sh --with qnn" in run.stderr
    assert listing(tmp_path) == []


def test_strict_provider_needs_a_provider(program, made, tmp_path):
    run = start(program, made.net, "--calib", made.pictures, "-o", tmp_path / "q.onnx", "--strict-provider")
    assert run.returncode == 2 and "--provider" in run.stderr


@pytest.mark.parametrize("scheme", ["w8a16", "w4a16"])
def test_tensorrt_refuses_sixteen_bits(program, made, scheme, tmp_path):
    run = start(program, made.net, "--calib", made.pictures, "-o", tmp_path / "q.onnx", "--target", "tensorrt", "--scheme", scheme)
    assert run.returncode == 2
    assert "TensorRT has no 16-bit integer activations" in run.stderr


def test_only_what_has_a_compiler_is_compiled(program, made):
    run = start(program, "compile", made.net, "--target", "ort-cpu")
    assert run.returncode == 2 and "no ahead-of-time compiler" in run.stderr


@needs_qnn
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_npu_takes_every_node(program, made, scheme, tmp_path):
    """compile runs with fall-back disabled and loads the result again; it makes the folder that was asked for."""
    folder = tmp_path / "phone"
    run = start(program, "compile", made("qnn", scheme), "--htp-arch", "73,81", "-o", folder)
    assert run.returncode == 0, run.stderr
    stem = f"qnn.{scheme}.qnn"
    assert [name for name in listing(folder) if not name.endswith(".bin")] == [stem + "73.json", stem + "73.onnx", stem + "81.json", stem + "81.onnx"]
    for arch in ("73", "81"):
        wrapper = onnx.load(folder / f"{stem}{arch}.onnx", load_external_data=False)
        (node,) = wrapper.graph.node
        assert node.op_type == "EPContext"
        binary = folder / next(a.s.decode() for a in node.attribute if a.name == "ep_cache_context")
        facts = json.loads((folder / f"{stem}{arch}.json").read_text())
        assert facts["ready"] and facts["arch"] == arch and facts["bytes"] == binary.stat().st_size > 1000
        assert {"spill and fill bytes", "SDK", "ONNX Runtime"} <= {fact["name"] for fact in facts["facts"]}


@needs_qnn
def test_a_binary_for_one_soc_says_which(program, made, tmp_path):
    run = start(program, "compile", made("qnn", "w8a8"), "--htp-arch", "75", "--soc-model", "57", "-o", tmp_path)
    assert run.returncode == 0, run.stderr
    facts = json.loads((tmp_path / "qnn.w8a8.qnn75.json").read_text())
    assert facts["ready"] and facts["soc"] == "57"
    assert ":75:57:" in {fact["name"]: fact["value"] for fact in facts["facts"]}["compatibility"]


def test_unknown_providers_are_refused_before_any_work(program, made, tmp_path):
    for given, words in {"nope": ["--provider nope", "CPUExecutionProvider"], "qnnn": ["did you mean 'qnn'?"]}.items():
        run = start(program, made.net, "--calib", made.pictures, "-o", tmp_path / "q.onnx", "-v", "--provider", given)
        [line] = run.stderr.splitlines()  # with -v, every step would say something
        assert (run.returncode, listing(tmp_path)) == (2, [])
        assert all(word in line for word in words), line


@needs_qnn
@pytest.mark.parametrize(("archs", "words"), [
    ("999", "'999' is no generation of the NPU; known: 68, 69, 73, 75, 79, 81"), ("0", "'0' is no"), ("73,74", "'74' is no"), ("73,73", "73 is given twice")])
def test_a_generation_that_the_provider_would_replace_by_another_is_refused(program, made, archs, words, tmp_path):
    run = start(program, "compile", made("qnn", "w8a8"), "--htp-arch", archs, "-o", tmp_path)
    assert (run.returncode, run.stdout, listing(tmp_path)) == (2, "", [])
    assert f"--htp-arch: {words}" in run.stderr


@needs_qnn
def test_the_simulator_is_of_a_known_generation_too(program, made, tmp_path):
    run = start(program, made.net, "--calib", made.pictures, "-o", tmp_path / "q.onnx", "--target", "qnn", "--provider", "qnn,htp_arch=74")
    assert (run.returncode, listing(tmp_path)) == (2, [])
    assert "htp_arch: '74' is no generation" in run.stderr


@needs_qnn
def test_a_float_model_is_not_compiled(program, made, tmp_path):
    run = start(program, "compile", made.net, "-o", tmp_path)
    assert (run.returncode, listing(tmp_path)) == (3, [])
    assert run.stderr.startswith(f"error: {made.net} is not quantized") and "--target qnn" in run.stderr


@needs_qnn
def test_a_model_is_not_compiled_by_halves(program, tmp_path):
    """An operator that the NPU does not take: nothing is written, and the message says which and why."""
    nodes = [models.first_convolution(), helper.make_node("Det", ["conv1_out"], ["y"], "determinant")]
    net, pictures = models.save(tmp_path / "net.onnx", nodes, models.weights(), outputs={"y": [1, 8]}), draw_pictures(tmp_path / "pictures")
    quantize(program, net, pictures, tmp_path / "q.onnx", "--target", "qnn")
    before = listing(tmp_path)
    for folder in (tmp_path, tmp_path / "made" / "for it"):
        run = start(program, "compile", tmp_path / "q.onnx", "-o", folder)
        assert run.returncode == 3, run.stderr
        assert f"error: {tmp_path / 'q.onnx'} cannot be compiled for qnn 75" in run.stderr
        assert "determinant: Operators of type `Det` are not supported" in run.stderr
        assert listing(tmp_path) == before


ON_OPENVINO = """
import json, sys, numpy, openvino
core = openvino.Core()
compiled = core.compile_model(core.read_model(sys.argv[1]), "CPU", {"PERF_COUNT": "YES", "INFERENCE_PRECISION_HINT": "f32"})
request = compiled.create_infer_request()
numpy.save(sys.argv[3], list(request.infer([numpy.load(sys.argv[2])]).values())[0])
print(json.dumps([[item.node_type, item.exec_type] for item in request.get_profiling_info()]))
"""


def sqnr(reference, other):
    return 10 * np.log10((reference.astype(np.float64) ** 2).sum() / max(((reference.astype(np.float64) - other) ** 2).sum(), 1e-30))


@needs_openvino
@pytest.mark.parametrize("scheme", SCHEMES)
def test_openvino_computes_what_was_meant(made, scheme, tmp_path):
    """Its output is as near to FP32's as ONNX Runtime's exact simulation of the same file."""
    model, x = made("openvino", scheme), np.random.default_rng(3).uniform(-1, 1, (1, 3, 32, 32)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    kernels = json.loads(run_apart("openvino", ON_OPENVINO, model, tmp_path / "x.npy", tmp_path / "y.npy").splitlines()[-1])
    exact = onnxruntime.SessionOptions()
    exact.add_session_config_entry("session.disable_quant_qdq", "1")
    fp32 = onnxruntime.InferenceSession(made.net, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    simulated = onnxruntime.InferenceSession(model, exact, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    assert sqnr(fp32, np.load(tmp_path / "y.npy")) > sqnr(fp32, simulated) - 1
    if scheme == "w8a8":
        convolutions = [kernel for node, kernel in kernels if node in ("Convolution", "GroupConvolution")]
        assert convolutions and all(kernel.endswith("I8") for kernel in convolutions), kernels


@needs_openvino
def test_the_report_says_how_it_runs_on_openvino(program, made, tmp_path):
    output = tmp_path / "q.onnx"
    quantize(program, made.net, made.pictures, output, "--target", "openvino", "--provider", "openvino", "--strict-provider",
             quick=["--samples", "6", "-O0", "--latency-runs", "3"])
    (provider,) = report_of(output)["providers"]
    assert provider["name"] == "openvino" and not provider["simulated"] and not provider["fallen_back"]
    assert provider["milliseconds"] > 0 and provider["fp32_milliseconds"] > 0
    assert any(kernel["kernel"].endswith("I8") for kernel in provider["kernels"])
    assert provider["against_fp32"]["sqnr_db"] > 15
    assert provider["layers"]
    assert "On openvino" in output.with_suffix(".report.html").read_text(encoding="utf-8")


@needs_openvino
def test_evaluate_runs_a_finished_model_there(program, made, tmp_path):
    model = made("openvino", "w8a8")
    run = start(program, "evaluate", made.net, model, "--test", made.pictures, "--provider", "openvino", "--latency-runs", "0", "-o", tmp_path / "e.onnx")
    assert run.returncode == 0, run.stderr
    (provider,) = report_of(tmp_path / "e.onnx")["providers"]
    assert provider["images"] == len(listing(made.pictures)) and provider["against_fp32"]["sqnr_db"] > 15
