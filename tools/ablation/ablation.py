"""What each method of the optimizer costs and gains, next to the levels and to a peer, as one Markdown table per net and scheme.

    ablation.py QUANTIZE --net NAME MODEL CALIB TEST [--net ...] [--schemes w8a8 w8a16 w4a16] [--levels 0 1 2 3] [--without-at 2]
                [--no-peers] [--limit N]

QUANTIZE is the built program. --without-at L runs level L once more without each of its steps; 'gain' is what the step adds to the full
level's PSNR (mean, and on the worst picture). Seconds are those of the optimizer's and calibration's steps, from the report.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from measure import figures
from peers import peers

FITTING = ("fit-weights", "target", "scale", "gptq", "descent", "rescale", "bias-correction")
STEPS = {"w8a8": ("round-to-pixels", "equalize", "absorb-bias", "ranges", *FITTING), "w8a16": FITTING, "w4a16": FITTING}
LEARNED = ("learned",)  # from level 3 on
FROM_2 = {"absorb-bias", "ranges", "rescale"}  # steps that begin there
TIMED = {"equalize", "absorb-bias", "calibrate", "ranges", "fit-weights"}


def run(program, model, calib, test, scheme, level, limit, *more):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.onnx"
        command = [program, model, "--calib", calib, "--scheme", scheme, f"-O{level}", "-o", output, "--holdout", "0.1", "--latency-runs", "0",
                   "--pictures", "0", "-q", *more]
        done = subprocess.run([str(word) for word in command], check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        report = json.loads(output.with_suffix(".report.json").read_text(encoding="utf-8"))
        seconds = sum(step["seconds"] for step in report["steps"] if step["name"] in TIMED)
        return {**figures(model, output, test, limit), "seconds": seconds, "ratio": Path(model).stat().st_size / output.stat().st_size}


def row(name, result, full=None):
    gain = f"{full['psnr'] - result['psnr']:+.2f} ({full['worst'] - result['worst']:+.2f})" if full else ""
    cost = f"{full['seconds'] - result['seconds']:+.1f}" if full else f"{result['seconds']:.1f}"
    print(f"| {name} | {result['psnr']:.2f} ({result['worst']:.2f}) | {result['agreement']:.4f} | {result['ratio']:.2f}x | {cost} | {gain} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--net", nargs=4, action="append", required=True, metavar=("NAME", "MODEL", "CALIB", "TEST"))
    parser.add_argument("--schemes", nargs="+", default=list(STEPS), choices=STEPS)
    parser.add_argument("--levels", nargs="*", type=int, default=[0, 1, 2, 3])
    parser.add_argument("--without-at", type=int)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--limit", type=int, help="of test pictures")
    options = parser.parse_args()
    for name, model, calib, test in options.net:
        for scheme in options.schemes:
            print(f"\n{name}, {scheme}\n\n| | PSNR dB (worst picture) | agreement | size | seconds | gain dB |\n|---|---|---|---|---|---|", flush=True)
            if not options.no_peers:
                for peer, result in peers(model, calib, test, scheme, options.limit):
                    row(peer, result)
            results = {}
            for level in options.levels:
                results[level] = run(options.program, model, calib, test, scheme, level, options.limit)
                row(f"-O{level}", results[level])
            level = options.without_at
            if level is None:
                continue
            full = results.get(level) or run(options.program, model, calib, test, scheme, level, options.limit)
            for step in STEPS[scheme] + (LEARNED if level >= 3 else ()):
                if level < 2 and step in FROM_2:
                    continue
                row(f"-O{level} without {step}", run(options.program, model, calib, test, scheme, level, options.limit, "--without", step), full)


if __name__ == "__main__":
    main()
