"""The same fully convolutional network for another input size.

    resize_input.py MODEL WIDTHxHEIGHT OUTPUT
"""
import sys

import onnx


def main():
    model, size, output = onnx.load(sys.argv[1]), sys.argv[2], sys.argv[3]
    width, height = (int(part) for part in size.split("x"))
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    dimensions[2].dim_value, dimensions[3].dim_value = height, width
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    onnx.save(onnx.shape_inference.infer_shapes(model), output)


if __name__ == "__main__":
    main()
