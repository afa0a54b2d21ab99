"""The same fully convolutional network for another input size.

    resize_input.py MODEL WIDTHxHEIGHT OUTPUT

Sizes that an exporter has written into the graph as constants, for its Resize nodes, become those of the new input at the same stride.
"""
import sys
from math import ceil, log2

import numpy
import onnx
from onnx import numpy_helper


def constants_behind(name, makers):
    """Constant nodes that a tensor of sizes is put together from, height before width."""
    node = makers.get(name)
    if node is None:
        return []
    if node.op_type == "Constant":
        return [node]
    parts = {"Concat": node.input, "Cast": node.input, "Unsqueeze": node.input[:1]}.get(node.op_type, [])
    return [found for part in parts for found in constants_behind(part, makers)]


def resized(size, before, after):
    stride = 2 ** round(log2(before / size))
    return ceil(after / stride)


def main():
    model, size, output = onnx.load(sys.argv[1]), sys.argv[2], sys.argv[3]
    width, height = (int(part) for part in size.split("x"))
    graph = model.graph
    dimensions = graph.input[0].type.tensor_type.shape.dim
    before = dimensions[2].dim_value, dimensions[3].dim_value
    dimensions[2].dim_value, dimensions[3].dim_value = height, width
    makers = {made: node for node in graph.node for made in node.output}
    for node in graph.node:
        if node.op_type != "Resize" or len(node.input) < 4:
            continue
        constants = [node.attribute[0].t for node in constants_behind(node.input[3], makers)]
        if len(constants) != 2:
            continue
        for constant, *pair in zip(constants, before, (height, width)):
            old = numpy_helper.to_array(constant)
            constant.CopyFrom(numpy_helper.from_array(numpy.full_like(old, resized(int(old), *pair))))
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    onnx.save(onnx.shape_inference.infer_shapes(model), output)


if __name__ == "__main__":
    main()
