"""ONNX Runtime's own quantizer on the same pictures, with the settings its documentation recommends.

    peer.py MODEL FOLDER COUNT minmax|percentile OUTPUT
"""
import sys

import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from pictures import listing, load


class Reader(CalibrationDataReader):
    """Feeds one picture after another, loaded when asked for."""

    def __init__(self, model, files):
        feed = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0]
        self.feeds = ({feed.name: load(path, feed.shape)} for path in files)

    def get_next(self):
        return next(self.feeds, None)


def main():
    model, folder, count, method, output = sys.argv[1:6]
    methods = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
    onnxruntime.set_default_logger_severity(3)
    quantize_static(onnx.load(model), output, Reader(model, listing(folder, int(count))), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=methods[method])


if __name__ == "__main__":
    main()
