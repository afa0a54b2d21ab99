"""Plain FP32 inference over a folder: decode, resize, run. The yardstick for calibration.

    plain.py MODEL FOLDER COUNT THREADS

Runs as fast as ONNX Runtime allows: pictures side by side on one thread each, as calibration does.
"""
import sys
from concurrent.futures import ThreadPoolExecutor

import onnxruntime
from pictures import listing, load


def main():
    model, folder, count, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda path: session.run(None, {feed.name: load(path, feed.shape)}), listing(folder, count)):
            pass


if __name__ == "__main__":
    main()
