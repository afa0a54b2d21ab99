"""Is a quantized model right? Its difference from FP32 must stay within what its own quantization steps can cause.

The bound: the quantized model without its QuantizeLinear/DequantizeLinear pairs is a float model N. Noise of half a step in the
place of every pair and of one step on every weight, uniformly drawn, moves N's outputs by what rounding can; clipping to the pair's range moves them by what saturation
can. A few times that is allowed between the quantized model and FP32; a model that computes something else is far outside. So that steps that
are too coarse do not excuse themselves, each is held against the values its tensor takes in N.
"""

import copy
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

LEVELS = {onnx.TensorProto.UINT8: 255, onnx.TensorProto.INT8: 255, onnx.TensorProto.UINT16: 65535, onnx.TensorProto.INT16: 65535}
LOWEST = {np.dtype("uint8"): 0, np.dtype("int8"): -128, np.dtype("uint16"): 0, np.dtype("int16"): -32768}
FACTOR, SEEDS = 4.0, 4
PARITY = 1e-4


class Wrong(Exception):
    """The model is not what it should be."""


# Without these instructions ONNX Runtime's 8-bit kernels saturate their 16-bit sums, by up to half of a layer's range: their error, not the model's.
EXACT_KERNELS = any(word in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8") for word in ("vnni", "asimd"))


def session(model, optimised=True, integer_kernels=True):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if not integer_kernels:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model if isinstance(model, (str, bytes)) else model.SerializeToString(), options, ["CPUExecutionProvider"])


def run(model, inputs, optimised=True, outputs=None, integer_kernels=True):
    return session(model, optimised, integer_kernels).run(outputs, inputs)


def initializers(model):
    return {tensor.name: tensor for tensor in model.graph.initializer}


def pairs(model):
    """(QuantizeLinear, DequantizeLinear) of activations."""
    quantizers = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    return [(quantizers[node.input[0]], node) for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in quantizers]


def without_computed_scales(model):
    """Scales that the runtime multiplies when it loads the model are initializers."""
    known = initializers(model)
    for node in [node for node in model.graph.node if node.op_type == "Mul" and all(name in known for name in node.input)]:
        product = np.multiply(*(numpy_helper.to_array(known[name]) for name in node.input))
        model.graph.initializer.append(numpy_helper.from_array(product, node.output[0]))
        model.graph.node.remove(node)


def with_moves_in_float(model):
    """Integers that are moved before they are dequantized are dequantized first."""
    makers = {name: node for node in model.graph.node for name in node.output}
    ahead, gone = {}, set()  # the DequantizeLinear by what the first move makes; what those behind the moves make
    for node in model.graph.node:
        moves, tensor = [], node.input[0] if node.op_type == "DequantizeLinear" else ""
        while tensor in makers and makers[tensor].op_type in ("Transpose", "Reshape"):
            moves.append(makers[tensor])
            tensor = moves[-1].input[0]
        if not moves or tensor not in makers or makers[tensor].op_type != "QuantizeLinear":
            continue
        gone.add(node.output[0])
        values = f"{node.output[0]}.values"
        moves[0].output[0] = node.output[0]
        moves[-1].input[0] = values
        ahead[moves[-1].output[0]] = helper.make_node("DequantizeLinear", [tensor, *node.input[1:]], [values])
    nodes = []
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.output[0] in gone:
            continue
        if node.op_type != "DequantizeLinear" and node.output[0] in ahead:
            nodes.append(ahead[node.output[0]])
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def dequantized(tensor, scale, zero, axis):
    values = numpy_helper.to_array(tensor).astype(np.float64)
    shape = [-1 if i == axis % values.ndim else 1 for i in range(values.ndim)] if scale.ndim == 1 else []
    return (values - (zero.reshape(shape) if zero is not None else 0)) * scale.reshape(shape), np.broadcast_to(scale.reshape(shape), values.shape)


def without_pairs(model, clip=False, seed=None, values=None):
    """N, with clipping and with noise where asked for; `values` are the tensors in front of the pairs, for their shapes."""
    float_model, known = copy.deepcopy(model), initializers(model)
    random = np.random.default_rng(seed)
    quantizers, nodes = {quantizer.output[0]: quantizer for quantizer, _ in pairs(model)}, []
    for node in float_model.graph.node:
        if node.op_type == "QuantizeLinear":
            continue
        if node.op_type != "DequantizeLinear":
            nodes.append(node)
            continue
        scale = numpy_helper.to_array(known[node.input[1]])
        zero = numpy_helper.to_array(known[node.input[2]]) if len(node.input) > 2 else None
        if node.input[0] not in quantizers:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
            weights, steps = dequantized(known[node.input[0]], scale, zero, axis)
            if seed is not None:
                weights = weights + steps * random.uniform(-1, 1, weights.shape)  # fitted weights are not the nearest ones
            float_model.graph.initializer.append(numpy_helper.from_array(weights.astype(np.float32), node.output[0]))
            continue
        source, step = quantizers[node.input[0]].input[0], float(scale)
        if clip:
            low = step * (LOWEST[zero.dtype] - int(zero))
            bounds = [f"{node.output[0]}.low", f"{node.output[0]}.high"]
            for name, value in zip(bounds, (low, low + step * LEVELS[helper.np_dtype_to_tensor_dtype(zero.dtype)])):
                float_model.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
            nodes.append(helper.make_node("Clip", [source, *bounds], [f"{node.output[0]}.clipped"]))
            source = f"{node.output[0]}.clipped"
        if seed is None:
            nodes.append(helper.make_node("Identity", [source], [node.output[0]]))
        else:
            noise, shape = f"{node.output[0]}.noise", values[quantizers[node.input[0]].input[0]].shape
            float_model.graph.initializer.append(numpy_helper.from_array((step * random.uniform(-0.5, 0.5, shape)).astype(np.float32), noise))
            nodes.append(helper.make_node("Add", [source, noise], [node.output[0]]))
    del float_model.graph.node[:]
    float_model.graph.node.extend(nodes)
    return float_model


def values_in_front_of_pairs(model, inputs):
    """{tensor: its values in N, clipped: a Relu may be left to an encoding's saturation}"""
    plain, names = without_pairs(model, clip=True), {quantizer.input[0] for quantizer, _ in pairs(model)}
    wanted = sorted(names - set(inputs))
    for name in set(wanted) - {value.name for value in plain.graph.output}:
        plain.graph.output.append(onnx.ValueInfoProto(name=name))
    return {**inputs, **(dict(zip(wanted, run(plain, inputs, optimised=False, outputs=wanted))) if wanted else {})}


def check_steps(model, values):
    """No step is coarser than its tensor's values ask for."""
    known = initializers(model)
    quantizers = {quantizer.input[0]: quantizer for quantizer, _ in pairs(model)}
    extents = {}  # of all that share an encoding, such as the inputs of a Concat
    for name, quantizer in quantizers.items():
        extent = max(values[name].max(initial=0), 0) - min(values[name].min(initial=0), 0)
        extents[tuple(quantizer.input[1:3])] = max(extent, extents.get(tuple(quantizer.input[1:3]), 0))
    for name, quantizer in quantizers.items():
        step, zero = float(numpy_helper.to_array(known[quantizer.input[1]])), known[quantizer.input[2]]
        extent = extents[tuple(quantizer.input[1:3])]
        levels = LEVELS[zero.data_type]
        # A range that is known without looking ([0, 1], [-1, 1]) and a tensor that is zero (step 1, or the smallest) are exempt.
        if step > max(1.1 * extent / levels, 2.001 / levels) and extent > 0:
            raise Wrong(f"step {step:g} of '{name}' is coarser than its values' extent {extent:g} asks for")


def touched(model):
    """Tensors that something quantized leads to."""
    names = set()
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") or names.intersection(node.input) or captures(node, names):
            names.update(node.output)
    return names


def captures(node, names):
    graphs = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return any(names.intersection(inner.input) or captures(inner, names) for graph in graphs for inner in graph.node)


def extent(array):
    finite = array[np.isfinite(array)]
    return float(max(np.ptp(finite), 0.01 * np.abs(finite).max())) if finite.size else 1.0


def distance(a, b):
    if a.shape != b.shape or a.dtype != b.dtype:
        raise Wrong(f"an output is {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}")
    if a.dtype.kind != "f":
        return 0.0 if np.array_equal(a, b) else np.inf
    if not np.array_equal(np.isnan(a), np.isnan(b)) or not np.array_equal(np.isinf(a), np.isinf(b)):
        return np.inf
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float(np.nanmax(np.where(np.isfinite(difference), difference, 0), initial=0))


def bounds(model, inputs, expected, values):
    plain = run(without_pairs(model), inputs)
    clipped = run(without_pairs(model, clip=True), inputs)
    noisy = [run(without_pairs(model, clip=True, seed=seed + 1, values=values), inputs) for seed in range(SEEDS)]
    result = []
    for number, array in enumerate(expected):
        rounding = max(distance(clipped[number], one[number]) for one in noisy)
        result.append(FACTOR * rounding + 2 * distance(plain[number], clipped[number]) + PARITY * extent(array) + 1e-6)
    return result


def judge(original, file, inputs):
    """Raises Wrong; returns (largest difference, its bound) relative to the output's extent."""
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    written = copy.deepcopy(model)
    without_computed_scales(model)
    with_moves_in_float(model)
    if not pairs(model):
        raise Wrong("nothing in it is quantized")
    expected, again = run(original, inputs), run(original, inputs)
    changed, values, allowed = touched(model), values_in_front_of_pairs(model, inputs), None
    worst = (0.0, 0.0)
    for optimised in (False, True):
        actual = run(written, inputs, optimised)
        precise = actual if EXACT_KERNELS or not optimised else run(written, inputs, integer_kernels=False)
        for number, value in enumerate(original.graph.output):
            if distance(expected[number], again[number]) > 0:
                continue  # drawn at random
            moved, scale = distance(expected[number], actual[number]), extent(expected[number]) if expected[number].dtype.kind == "f" else 1.0
            if value.name not in changed:
                if moved > PARITY * scale:
                    raise Wrong(f"output '{value.name}', which nothing quantized leads to, moved by {moved:g}")
                continue
            if expected[number].dtype.kind != "f":
                continue  # an index may turn where two values are nearly equal
            allowed = allowed or bounds(model, inputs, expected, values)
            moved = min(moved, distance(expected[number], precise[number]))
            if moved > allowed[number]:
                raise Wrong(f"output '{value.name}' moved by {moved:g}, its steps explain {allowed[number]:g} (optimisations {'on' if optimised else 'off'})")
            worst = max(worst, (moved / scale, allowed[number] / scale))
    check_steps(model, values)
    return worst
