"""Speed and memory of calibration, and latency of what comes out, beside ONNX Runtime's own quantizer: one table, one run, one machine.

    bench.py MODEL --calib DIR [--quick | --full] [--program build/release/bin/quantize] [--threads N] [--turns N]

Everything is measured in processes of their own, in turn. --quick (minutes): 20 pictures at the model's own size. --full: 20 and 100
pictures, also at 1024x2048 (the same network with another input: it has to be fully convolutional), and memory for 20 against 200 pictures.
"""
import argparse
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path

import measured
from pictures import listing

HERE = Path(__file__).parent
LARGE = "2048x1024"


class Bench:
    """What all measurements share."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.one = folder / "one"  # evaluation is not what is measured: one picture is as little as can be given
        self.one.mkdir()
        (self.one / "a").with_suffix(listing(options.calib, 1)[0].suffix).symlink_to(listing(options.calib, 1)[0].resolve())

    def pictures(self, count):
        """A folder with `count` pictures; those there are come round again where there are fewer."""
        folder = self.folder / f"pictures_{count}"
        if not folder.exists():
            folder.mkdir()
            files = listing(self.options.calib, count)
            for number in range(count):
                file = files[number % len(files)]
                (folder / f"{number:04}{file.suffix}").symlink_to(file.resolve())
        return folder

    def script(self, name, *arguments):
        return [sys.executable, HERE / f"{name}.py", *arguments]

    def ours(self, model, count, output, *arguments):
        return [self.options.program, model, "--calib", self.pictures(count), "--samples", count, "--test", self.one, "--latency-runs", 0,
                "--pictures", 0, "--threads", self.options.threads, "-o", output, "-q", *arguments]

    def plain(self, model, count):
        return self.script("plain", model, self.pictures(count), count, self.options.threads)


def step_seconds(output, name):
    steps = json.loads(output.with_suffix(".report.json").read_text(encoding="utf-8"))["steps"]
    return sum(step["seconds"] for step in steps if step["name"] == name)


def row(cells, widths=(46, 10, 12, 12)):
    print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)) + " |", flush=True)


def calibration(bench, model, label, count, peers):
    """Plain inference, our calibration, our whole job and the peers', in turn."""
    outputs = {"ours": bench.folder / f"ours_{label}_{count}.onnx"}
    jobs = {"plain FP32 inference": bench.plain(model, count),
            "ours, -O0": bench.ours(model, count, bench.folder / "o0.onnx", "-O0"),
            "ours, -O1": bench.ours(model, count, outputs["ours"], "-O1")}
    for method in peers:
        outputs[method] = bench.folder / f"{method}_{label}_{count}.onnx"
        jobs[f"ONNX Runtime, {method}"] = bench.script("peer", model, bench.pictures(count), count, method, outputs[method])
    seconds, peaks, inside, aside = {name: [] for name in jobs}, {}, [], []
    for _ in range(bench.options.turns):
        for name, command in jobs.items():
            try:
                done = measured.run(command)
            except RuntimeError as error:
                print(f"  {name}: {error}", file=sys.stderr)
                continue
            print(f"  {label}, {count} pictures, {name}: {done.seconds:.1f} s", file=sys.stderr)
            seconds[name].append(done.seconds)
            peaks[name] = max(peaks.get(name, 0), done.peak_bytes)
            if name == "ours, -O0":
                inside.append(step_seconds(bench.folder / "o0.onnx", "calibrate"))
            if name == "ours, -O1":
                aside.append(done.seconds - step_seconds(outputs["ours"], "evaluate"))
    if not seconds["plain FP32 inference"]:
        sys.exit(f"plain inference of {model} fails: there is nothing to compare with")
    plain = statistics.median(seconds["plain FP32 inference"])
    print(f"\n### {label}, {count} pictures, {bench.options.threads} threads\n")
    row(["", "seconds", "x plain", "peak MB"])
    row(["---"] * 4)
    for name, found in {"our calibration alone": inside, "ours, -O1, evaluation aside": aside}.items():
        if found:
            row([name, f"{statistics.median(found):.1f}", f"{statistics.median(found) / plain:.2f}", "-"])
    for name in jobs:
        if seconds[name]:
            took = statistics.median(seconds[name])
            row([name, f"{took:.1f}", f"{took / plain:.2f}", round(peaks[name] / 1e6)])
    return {name: path for name, path in outputs.items() if path.exists()}


def latency(bench, model, outputs):
    print(f"\n### Latency, {bench.options.threads} threads\n")
    names = ["FP32", *(f"{name}, W8A8" for name in outputs)]
    found = measured.run(bench.script("latency", bench.options.latency_runs, bench.options.threads,
                                      listing(bench.options.calib, 1)[0], model, *outputs.values()))
    row(["", "ms", "x faster", ""])
    row(["---"] * 4)
    for name, line in zip(names, [line for line in found.output.splitlines() if line.endswith(".onnx")]):
        milliseconds, ratio, _ = line.split(maxsplit=2)
        row([name, milliseconds, ratio, ""])


def memory_growth(bench, model, counts):
    """Peak memory must not depend on the number of pictures."""
    print("\n### Peak memory against the number of pictures (-O1)\n")
    row(["pictures", "peak MB", "", ""])
    row(["---"] * 4)
    peaks = []
    for count in counts:
        command = bench.ours(model, count, bench.folder / "memory.onnx", "-O1")
        peaks.append(statistics.median(measured.run(command).peak_bytes for _ in range(bench.options.turns)))
        row([count, round(peaks[-1] / 1e6), "", ""])
    print(f"\n{counts[-1]} against {counts[0]} pictures: {(peaks[-1] / peaks[0] - 1) * 100:+.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--calib", type=Path, required=True)
    parser.add_argument("--program", type=Path, default=HERE.parent.parent / "build" / "release" / "bin" / "quantize")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=1, help="times everything is measured; the median counts")
    parser.add_argument("--latency-runs", type=int, default=20)
    parser.add_argument("--part", choices=["calibration", "large", "memory"], help="only this part")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--quick", action="store_true", help="the default")
    modes.add_argument("--full", action="store_true")
    options = parser.parse_args()

    print(f"{platform.processor() or platform.machine()}, {options.model.name}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, Path(scratch))
        wanted = [options.part] if options.part else ["calibration", "large", "memory"] if options.full else ["calibration"]
        if "calibration" in wanted:
            outputs = calibration(bench, options.model, "own size", 20, ["minmax", "percentile"])
            if options.full:
                outputs |= calibration(bench, options.model, "own size", 100, ["minmax"])
            latency(bench, options.model, outputs)
        if "memory" in wanted:
            memory_growth(bench, options.model, [20, 200])
        if "large" in wanted:
            large = bench.folder / "large.onnx"
            measured.run(bench.script("resize_input", options.model, LARGE, large))
            calibration(bench, large, LARGE, 20, [])
            if options.full:
                calibration(bench, large, LARGE, 100, [])


if __name__ == "__main__":
    main()
