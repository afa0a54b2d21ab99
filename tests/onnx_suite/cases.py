"""The models that ship with the Python package onnx, each with its own inputs, as something `quantize` can be given."""

import copy
import dataclasses
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper

DATA = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
GROUPS = ("node", "simple", "pytorch-converted", "pytorch-operator", "light")
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # "node/test_conv_with_strides_padding", ":frozen" behind it where constants were made of inputs
    model: pathlib.Path
    frozen: bool = False


def all_cases():
    """Every model once, and those whose weights are inputs a second time with these as initializers: most operators' tests are of that kind."""
    cases = []
    for group in GROUPS:
        for path in sorted((DATA / group).glob("light_*.onnx" if group == "light" else "*/model.onnx")):
            name = f"{group}/{path.stem if group == 'light' else path.parent.name}"
            cases.append(Case(name, path))
            if group != "light" and can_be_frozen(onnx.load(path, load_external_data=False)):
                cases.append(Case(name + ":frozen", path, frozen=True))
    return cases


def fed_inputs(model):
    initializers = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in initializers]


def can_be_frozen(model):
    names = {value.name for value in fed_inputs(model)}
    return any(node.op_type in WEIGHTED and len(node.input) > 1 and node.input[1] in names for node in model.graph.node)


def suite_inputs(case, model):
    """{name: array} of the first data set; None for what an array cannot hold (sequences, optionals, maps)."""
    if case.name.startswith("light/"):
        [value] = fed_inputs(model)
        shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        return {value.name: (np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)).astype(np.float32)}
    inputs = {}
    for number, value in enumerate(fed_inputs(model)):
        file = case.model.parent / "test_data_set_0" / f"input_{number}.pb"
        inputs[value.name] = read_tensor(file) if value.type.HasField("tensor_type") and file.exists() else None
    return inputs


def read_tensor(file):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(file.read_bytes())
    return numpy_helper.to_array(tensor)


def freeze(model, inputs):
    """All inputs but the first become initializers; before IR version 4 these stand among the inputs too."""
    frozen = copy.deepcopy(model)
    kept = fed_inputs(model)[0].name
    for name, array in inputs.items():
        if name != kept and array is not None:
            frozen.graph.initializer.append(numpy_helper.from_array(array, name))
    fed = {name for name, array in inputs.items() if name == kept or array is None}
    if frozen.ir_version >= 4:
        remaining = [value for value in frozen.graph.input if value.name in fed or value.name not in inputs]
        del frozen.graph.input[:]
        frozen.graph.input.extend(remaining)
    return frozen, {name: array for name, array in inputs.items() if name in fed}


def lay_out(case, folder):
    """Writes model.onnx and the inputs as .npy files under `folder`; returns (model, inputs)."""
    model = onnx.load(case.model)
    inputs = suite_inputs(case, model)
    if case.frozen:
        model, inputs = freeze(model, inputs)
    onnx.save(model, folder / "model.onnx")
    samples = folder / "samples"
    samples.mkdir()
    for name, array in inputs.items():
        place = samples if len(inputs) == 1 else samples / name
        place.mkdir(exist_ok=True, parents=True)
        if array is not None and array.dtype.name == "bfloat16":
            array = array.astype(np.float32)  # .npy has no type for it
        if array is not None and array.dtype.kind in "fiub":
            np.save(place / "sample.npy", array)
        else:
            (place / "sample.npy").touch()  # no array can hold it; the model must be refused before anyone reads this
    return model, inputs
