"""ONNX Runtime's own static quantization, per channel, with each calibration it offers: the peer that runs anywhere.

Models below opset 13 are raised first: as they are, it writes files that ONNX Runtime refuses.
"""
import contextlib
import io
import logging
import tempfile
import time
from pathlib import Path

import onnx
import onnx.version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from measure import figures, pictures, prepared, session

WEIGHTS = {"w8a8": QuantType.QInt8, "w8a16": QuantType.QInt8, "w4a16": QuantType.QInt4}
ACTIVATIONS = {"w8a8": QuantType.QUInt8, "w8a16": QuantType.QUInt16, "w4a16": QuantType.QUInt16}
# Percentile keeps every activation of every picture: more pictures do not fit into memory.
METHODS = {"minmax": (CalibrationMethod.MinMax, 60), "percentile": (CalibrationMethod.Percentile, 10)}


class Reader(CalibrationDataReader):
    def __init__(self, model, folder, limit):
        [given] = session(model).get_inputs()
        self.items = iter([{given.name: prepared(file, given.shape)} for file in pictures(folder, limit)])

    def get_next(self):
        return next(self.items, None)


def raised(model, least=13):
    loaded = onnx.load(model)
    opset = max(entry.version for entry in loaded.opset_import if entry.domain in ("", "ai.onnx"))
    return onnx.version_converter.convert_version(loaded, least) if opset < least else loaded


# Its histogram calibrator prints what it does.
def silent(work, *arguments, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        work(*arguments, **options)


def peers(model, calib, test, scheme, limit=None):
    """(name, figures) of each setting; W8A8 also with weights of 7 bits, which processors without VNNI need."""
    logging.getLogger().setLevel(logging.ERROR)  # its advice to pre-process, which is done here
    with tempfile.TemporaryDirectory() as folder:
        ready, output = Path(folder) / "ready.onnx", Path(folder) / "quantized.onnx"
        onnx.save(raised(model), ready)
        quant_pre_process(str(ready), str(ready), skip_symbolic_shape=True)
        for method, (calibration, count) in METHODS.items():
            for reduced in (False, True) if scheme == "w8a8" else (False,):
                start = time.monotonic()
                silent(quantize_static, str(ready), str(output), Reader(ready, calib, count), quant_format=QuantFormat.QDQ, per_channel=True,
                                reduce_range=reduced, activation_type=ACTIVATIONS[scheme], weight_type=WEIGHTS[scheme], calibrate_method=calibration)
                seconds = time.monotonic() - start
                name = f"ONNX Runtime {method}" + (", 7-bit weights" if reduced else "")
                yield name, {**figures(model, output, test, limit), "seconds": seconds, "ratio": Path(model).stat().st_size / output.stat().st_size}
