"""Why a model may be refused: (what the table calls it, exit code, pattern of the message). Nothing else counts as an answer."""

import cases
import judge
import numpy as np
import onnx

NOTHING, NO_KERNEL = "nothing to quantize", "ONNX Runtime cannot run it"

REASONS = [
    (NOTHING, 3, r"has no Conv, ConvTranspose, Gemm or MatMul with constant float weights to quantize"),
    ("already quantized", 3, r"is already quantized \(node '.+' is a \w+\)"),
    ("no input", 3, r"the model has no input"),
    ("none of ONNX's standard operators", 3, r"does not import ONNX's standard operators"),
    (NO_KERNEL, 3, r"ONNX Runtime cannot (load|run) the model( on '.*)?: "),
    ("ONNX's converter cannot raise its opset", 7, r"preparation step raise-opset failed its check: "),
    ("input is no tensor of numbers", 3, r"the model's input '.*' takes values \(\w+\) that no picture and no \.npy file holds"),
    ("output is no tensor of numbers", 3, r"has an output (that is not a tensor, which|of an element type that) is not supported"),
    ("input holds no values", 4, r"samples/.*: holds no values \(shape "),
    ("input holds NaN or infinity", 4, r"samples/.*: holds NaN or infinity"),
    ("NaN or infinity in the FP32 model", 6, r"output '.*' of the float model holds NaN or infinity|, holds (NaN|infinity); the model must be repaired"),
]


def is_true(label, model, inputs):
    """Whether the reason given holds for this model, as far as that can be checked without the program."""
    if label == NO_KERNEL:
        try:
            judge.run(model, inputs)
            return False
        except Exception:  # noqa: BLE001 whatever ONNX Runtime throws
            return True
    if label == NOTHING:
        constants = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
        # Scalars and vectors are no weights of these operators; a Gemm that transposes its input is left alone.
        constants = {name for name in constants if len(judge.initializers(model)[name].dims) >= 2}
        transposed = lambda node: any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return not any(node.op_type in cases.WEIGHTED and node.input[1] in constants and not transposed(node) for node in model.graph.node)
    if label == "input holds NaN or infinity":
        return not all(np.isfinite(array.astype(np.float64)).all() for array in inputs.values() if array.dtype.kind in "fV")
    return True
