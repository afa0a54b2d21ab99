"""Latency of several models, run in turn so that whatever else the machine does meets all of them alike.

    latency.py RUNS THREADS PICTURE MODEL...

A picture, since what is random costs more than what is not: each of PRelu's values then goes another way than the one beside it.

Prints one line per model: median milliseconds, and the median over the turns of the first model's time divided by this one's; "fails" twice
where ONNX Runtime cannot run it.
"""
import statistics
import sys
import time

import onnxruntime
from pictures import load


def session_of(model, options):
    """None where ONNX Runtime refuses the model: a quantizer may have written one that it cannot run."""
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:  # ONNX Runtime's exceptions have no class in common
        return None


def main():
    runs, threads, file, models = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")  # or idle sessions take the cores of the one that is timed
    sessions = [session_of(model, options) for model in models]
    feed = sessions[0].get_inputs()[0]
    picture = {feed.name: load(file, feed.shape)}
    for number, session in enumerate(sessions):
        try:
            session.run(None, picture)
        except Exception:  # ONNX Runtime's exceptions have no class in common; nor has None a run()
            sessions[number] = None
    times = [[] for _ in models]
    for turn in range(runs + 3):
        for session, own in zip(sessions, times):
            if session is None:
                continue
            start = time.perf_counter()
            session.run(None, picture)
            if turn >= 3:  # the first turns only warm up
                own.append((time.perf_counter() - start) * 1000)
    for model, own in zip(models, times):
        if not own:
            print(f"fails fails {model}")
            continue
        ratio = statistics.median(first / this for first, this in zip(times[0], own))
        print(f"{statistics.median(own):.2f} {ratio:.3f} {model}")


if __name__ == "__main__":
    main()
