"""Sends ONNX's own operator tests through the program: each model is quantized correctly, or refused with a reason from a closed list.

    python tests/onnx_suite/run.py [--schemes w8a8,w8a16,w4a16] [--jobs 2] [--match TEXT] [--every N] [--table FILE]

QUANTIZE_PROGRAM names the binary. Prints the counts; exit code 1 where a model was answered in any other way.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cases
import judge
import onnx
from reasons import REASONS, is_true

TIMEOUT = 900  # the largest, a VGG-19, is 140 million weights on one thread
QUICK = ["-O1", "--latency-runs", "0", "--pictures", "1", "--threads", "1", "-q", "--method", "minmax"]


def answer(program, case, scheme):
    """(label, detail); the label "DEFECT" where the answer is none of those allowed."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, inputs = cases.lay_out(case, folder)
        output = folder / "out.onnx"
        command = [program, folder / "model.onnx", "--calib", folder / "samples", "--test", folder / "samples", "--scheme", scheme, "-o", output, *QUICK]
        before = {path.name for path in folder.iterdir()}
        try:
            ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return "DEFECT", "hangs"
        if ended.returncode == 0:
            return judged(model, output, inputs)
        if {path.name for path in folder.iterdir()} != before:
            return "DEFECT", "refused, but left files behind"
        label, detail = refusal(ended.returncode, ended.stderr.replace(str(folder) + "/", ""))
        return (label, detail) if is_true(label, model, inputs) else ("DEFECT", f"refused without cause: {detail}")


def judged(model, output, inputs):
    try:
        moved, allowed = judge.judge(model, output, inputs)
    except judge.Wrong as wrong:
        return "DEFECT", f"wrong result: {wrong}"
    except Exception as error:  # noqa: BLE001 the checker's and ONNX Runtime's own errors say what is wrong with the model
        return "DEFECT", f"invalid model: {str(error)[:500]}"
    return "quantized", f"moved {moved:.2g}, allowed {allowed:.2g}"


def refusal(code, text):
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    if len(errors) == 1:
        for label, expected, pattern in REASONS:
            if code == expected and re.search(pattern, errors[0]):
                return label, errors[0]
    return "DEFECT", f"exit code {code}: {text.strip()[-700:]}"


def work(job):
    program, case, scheme = job
    try:
        return case.name, scheme, *answer(program, case, scheme)
    except Exception as error:  # noqa: BLE001 a defect of this test must not look like an answer
        return case.name, scheme, "DEFECT", f"the test itself failed: {error!r}"


def run(program, chosen, schemes, jobs, say=lambda text: None):
    """{scheme: [(case, label, detail)]}; models with nothing to quantize are tried with the first scheme only."""
    results = collections.defaultdict(list)
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for scheme in schemes:
            todo = [(program, case, scheme) for case in chosen]
            for number, (name, _, label, detail) in enumerate(pool.map(work, todo)):
                results[scheme].append((name, label, detail))
                if label == "DEFECT":
                    say(f"{scheme} {name}: {detail}")
                if number % 200 == 199:
                    say(f"{scheme}: {number + 1} of {len(todo)}")
            chosen = [case for case, (_, label, _) in zip(chosen, results[scheme]) if label in ("quantized", "DEFECT")]
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schemes", default="w8a8,w8a16,w4a16")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--match", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--table")
    arguments = parser.parse_args()
    chosen = [case for case in cases.all_cases() if re.search(arguments.match, case.name)][:: arguments.every]
    results = run(os.environ["QUANTIZE_PROGRAM"], chosen, arguments.schemes.split(","), arguments.jobs, lambda text: print(text, flush=True))
    if arguments.table:
        lines = [f"{scheme}\t{name}\t{label}\t{detail}" for scheme, rows in results.items() for name, label, detail in rows]
        pathlib.Path(arguments.table).write_text("\n".join(lines).replace("\r", "") + "\n", encoding="utf-8")
    defects = 0
    for scheme, rows in results.items():
        counts = collections.Counter(label for _, label, _ in rows)
        defects += counts["DEFECT"]
        print(f"{scheme}: {len(rows)} models")
        for label, count in counts.most_common():
            print(f"  {count:5} {label}")
    return 1 if defects else 0


if __name__ == "__main__":
    print(f"onnx {onnx.__version__}")
    sys.exit(main())
