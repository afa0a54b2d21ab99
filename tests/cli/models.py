"""Tiny ONNX models, made where a test needs one of a certain kind: two or three layers, weights from a fixed seed."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, nodes, weights, *, inputs=None, outputs=None, opset=17, domains=()):
    """Saves a graph; `inputs` and `outputs` are {name: shape}, `weights` {name: array}."""
    inputs, outputs = inputs or {"x": [1, 3, 32, 32]}, outputs or {"y": None}
    graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
                              [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
                              [numpy_helper.from_array(value, name) for name, value in weights.items()])
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path


def weights(seed=0, channels=3):
    """Of the two convolutions below."""
    random = np.random.default_rng(seed)
    return {"w1": random.normal(0, 0.3, (8, channels, 3, 3)).astype(np.float32), "b1": random.normal(0, 0.2, 8).astype(np.float32),
            "w2": random.normal(0, 0.3, (4, 8, 1, 1)).astype(np.float32), "b2": random.normal(0, 0.2, 4).astype(np.float32)}


def first_convolution(source="x"):
    return helper.make_node("Conv", [source, "w1", "b1"], ["conv1_out"], "conv1", pads=[1, 1, 1, 1])


def second_convolution(source, target="y"):
    return helper.make_node("Conv", [source, "w2", "b2"], [target], "conv2")


def two_convolutions(path, *, between=(), inputs=None, channels=3, opset=17, domains=(), changed=None, outputs=None):
    """Conv -> `between` (from conv1_out to "middle"; a Relu if not given) -> Conv; `changed` replaces weights."""
    between = list(between) or [helper.make_node("Relu", ["conv1_out"], ["middle"], "relu")]
    nodes = [first_convolution(), *between, second_convolution("middle")]
    values = {**weights(channels=channels), **(changed or {})}
    return save(path, nodes, values, inputs=inputs or {"x": [1, channels, 32, 32]}, outputs=outputs or {"y": [None] * 4}, opset=opset, domains=domains)


def factor_behind_a_sum(path):
    """Conv -> Relu -> Conv, their sum times a factor per channel plus a summand, as a BatchNormalization behind a sum is -> Relu -> Conv."""
    random = np.random.default_rng(7)
    values = {**weights(), "w3": random.normal(0, 0.3, (8, 8, 3, 3)), "factor": np.linspace(0.5, 8, 8).reshape(8, 1, 1), "summand": random.normal(0, 0.2, (8, 1, 1))}
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["a"], "relu1"), helper.make_node("Conv", ["a", "w3"], ["b"], "conv3", pads=[1, 1, 1, 1]),
             helper.make_node("Add", ["a", "b"], ["sum"], "sum"), helper.make_node("Mul", ["sum", "factor"], ["scaled"], "scale"),
             helper.make_node("Add", ["scaled", "summand"], ["shifted"], "shift"), helper.make_node("Relu", ["shifted"], ["middle"], "relu2"), second_convolution("middle")]
    return save(path, nodes, {name: np.asarray(value, np.float32) for name, value in values.items()}, outputs={"y": [None] * 4})


def without_a_batch(path):
    """Two convolutions whose output is C H W."""
    nodes = [first_convolution(), helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "y_batch"),
             helper.make_node("Squeeze", ["y_batch", "batch_axis"], ["y"], "no_batch")]
    return save(path, nodes, {**weights(), "batch_axis": np.array([0])}, outputs={"y": [4, 32, 32]})


def channels_last(path):
    """A model that is fed NHWC and answers NHWC."""
    nodes = [helper.make_node("Transpose", ["x"], ["x_nchw"], "to_nchw", perm=[0, 3, 1, 2]), first_convolution("x_nchw"),
             helper.make_node("Relu", ["conv1_out"], ["middle"], "relu"), second_convolution("middle", "y_nchw"),
             helper.make_node("Transpose", ["y_nchw"], ["y"], "to_nhwc", perm=[0, 2, 3, 1])]
    return save(path, nodes, weights(), inputs={"x": [1, 32, 32, 3]}, outputs={"y": [1, 32, 32, 4]})


def two_inputs(path):
    nodes = [first_convolution("picture"), helper.make_node("Conv", ["depth", "w3"], ["depth_out"], "conv3", pads=[1, 1, 1, 1]),
             helper.make_node("Add", ["conv1_out", "depth_out"], ["middle"], "add"), second_convolution("middle")]
    values = {**weights(), "w3": weights(1, channels=1)["w1"]}
    return save(path, nodes, values, inputs={"picture": [1, 3, 16, 16], "depth": [1, 1, 16, 16]}, outputs={"y": [1, 4, 16, 16]})


def without_weights(path):
    return save(path, [helper.make_node("Sigmoid", ["x"], ["y"], "sigmoid")], {}, outputs={"y": [1, 3, 32, 32]})


def initializers(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def count(model, op_type):
    return sum(node.op_type == op_type for node in model.graph.node)
