#!/usr/bin/env python3
"""Breaks runs of the built program in every way an operator's day can, and looks at what is left: tools/faults.py [--program FILE] [--kills N]

Each run writes over an older result. Afterwards the output folder must hold either exactly that or the complete new result, and the next run
must work and leave no debris. Prints one line per fault; exit code 1 where one did not hold. Needs nothing but Python 3.9.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMES = ("out.onnx", "out.report.html", "out.report.json")
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 130}  # every documented one; a signal is none of them


class Job:
    """One short quantization of the demonstration model, and its folder."""

    def __init__(self, program, folder):
        self.program, self.folder, self.calibration = program, folder, folder / "calib"
        self.calibration.mkdir()
        for picture in sorted((ROOT / "data" / "demo" / "calib").iterdir())[:12]:
            shutil.copy(picture, self.calibration)
        self.old, self.output = folder / "old", folder / "output"
        self.output.mkdir()
        self.finish("w8a16")  # the older result is of another scheme, so that the two are told apart
        shutil.copytree(self.output, self.old)
        started = time.monotonic()
        self.finish()
        self.duration = time.monotonic() - started
        self.new_model = digest(self.output / "out.onnx")

    def command(self, scheme="w8a8", output=None):
        words = [self.program, ROOT / "data" / "demo" / "model.onnx", "--calib", self.calibration, "--scheme", scheme, "-o",
                 (output or self.output) / "out.onnx", "-O0", "--latency-runs", "2", "--pictures", "2", "-v"]
        return [str(word) for word in words]

    def start(self, **options):
        return subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def finish(self, scheme="w8a8"):
        subprocess.run(self.command(scheme), check=True, capture_output=True, timeout=600)

    def restore(self, output=None):
        for name in NAMES:
            shutil.copy(self.old / name, output or self.output)

    def state(self, output=None, other_images=False):
        """'old', 'new', or what is wrong; with other images the new model is another one."""
        output = output or self.output
        visible = sorted(path.name for path in output.iterdir() if not path.name.startswith("."))
        if visible != sorted(NAMES):
            return f"holds {visible}"
        old = [digest(output / name) == digest(self.old / name) for name in NAMES]
        if all(old):
            return "old"
        if any(old):
            return f"mixed: {[name for name, same in zip(NAMES, old) if same]} are old"
        report = json.loads((output / "out.report.json").read_text(encoding="utf-8"))
        complete = (output / "out.report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
        same = other_images or digest(output / "out.onnx") == self.new_model
        return "new" if same and report["scheme"] == "w8a8" and complete else "damaged"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def debris(folder):
    return [path.name for path in folder.iterdir() if path.name not in NAMES]


class Table:
    def __init__(self):
        self.failed = False
        print(f"{'fault':34} {'runs':>4} {'old':>4} {'new':>4}  exit codes (times)                  verdict")

    def row(self, fault, results, problems):
        states, codes = collections.Counter(state for state, _ in results), collections.Counter(code for _, code in results)
        problems = problems + [state for state in states if state not in ("old", "new")]
        shown = ", ".join(f"{code} ({count})" for code, count in sorted(codes.items()))
        self.failed |= bool(problems)
        print(f"{fault:34} {len(results):4} {states['old']:4} {states['new']:4}  {shown:35} {'; '.join(sorted(set(problems))) or 'holds'}", flush=True)

    def skipped(self, fault, why):
        print(f"{fault:34} not run: {why}", flush=True)


def wrong_codes(results, allowed):
    return [f"exit code {code}" for _, code in results if code not in allowed]


def next_run(job):
    job.finish()
    return [f"the next run leaves {debris(job.output)}"] if debris(job.output) else [] if job.state() == "new" else ["the next run is not whole"]


def killed(job, table, kills):
    generator, results = random.Random(1), []
    for _ in range(kills):
        job.restore()
        running = job.start()
        time.sleep(generator.uniform(0, 1.05 * job.duration))
        running.kill()
        running.communicate()
        results.append((job.state(), running.returncode))
    table.row("SIGKILL at a random moment", results, wrong_codes(results, {0, -9}) + next_run(job))


def killed_while_publishing(job, table, kills):
    """At the first sight of the decided staging folder: the moves are under way."""
    results, caught = [], 0
    for _ in range(kills):
        job.restore()
        running = job.start()
        while running.poll() is None:
            if any(name.endswith(".commit") for name in os.listdir(job.output)):
                running.kill()
                caught += 1
                break
        running.communicate()
        time.sleep(0.05)
        results.append((job.state(), running.returncode))
    table.row(f"SIGKILL while publishing ({caught} hit)", results, wrong_codes(results, {0, -9}) + next_run(job))


def interrupted(job, table):
    """Ctrl-C after each message of a run, that is in every stage."""
    messages = len([line for line in subprocess.run(job.command(), capture_output=True, text=True).stderr.splitlines() if line])
    results = []
    for number in range(messages):
        job.restore()
        running = job.start()
        for _ in range(number + 1):
            running.stderr.readline()
        running.send_signal(signal.SIGINT)
        running.communicate()
        results.append((job.state(), running.returncode))
        left = debris(job.output)
        if left:
            results[-1] = (f"left {left}", running.returncode)
    mismatched = [f"{code} with {state}" for state, code in results if (state, code) not in (("old", 130), ("new", 0))]
    table.row("Ctrl-C after each message", results, mismatched + next_run(job))


@contextlib.contextmanager
def small_disk(folder, options):
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def disk_full(job, table):
    size_old = sum((job.old / name).stat().st_size for name in NAMES)
    results, problems = [], []
    for share in (0.02, 0.2, 0.5, 0.9, 1.1):
        with small_disk(job.folder / "disk", f"size={int(size_old * (1 + share)) // 1024}k") as mounted:
            if not mounted:
                return table.skipped("disk full", "mounting a small disk is not allowed here")
            disk = job.folder / "disk"
            job.restore(disk)
            ended = subprocess.run(job.command(output=disk), capture_output=True, text=True)
            results.append((job.state(disk), ended.returncode))
            problems += [f"left {debris(disk)}"] if debris(disk) else []
    table.row("disk full", results, problems + wrong_codes(results, {0, 5}) + next_run(job))


def read_only(job, table):
    disk = job.folder / "disk"
    with small_disk(disk, "size=64m") as mounted:
        if not mounted and os.geteuid() == 0:
            return table.skipped("read-only output", "mounting a small disk is not allowed here, and root may write everywhere else")
        job.restore(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True) if mounted else disk.chmod(0o555)
        ended = subprocess.run(job.command(output=disk), capture_output=True, text=True)
        results = [(job.state(disk), ended.returncode)]
    table.row("read-only output", results, wrong_codes(results, {5}) + next_run(job))


def memory_limit(job, table):
    results = []
    for megabytes in (60, 120, 200, 300, 400, 600, 900, 1300):
        job.restore()
        ended = subprocess.run(job.command(), capture_output=True, text=True,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20)))
        results.append((job.state(), ended.returncode))
    # The loader itself may not get far enough to answer (127: a shared library does not fit).
    table.row("out of memory (ulimit -v)", results, wrong_codes(results, CODES | {127}) + next_run(job))


def image_deleted(job, table):
    results = []
    pictures = sorted(job.calibration.iterdir())
    for number, picture in enumerate(pictures[::3]):
        job.restore()
        content = picture.read_bytes()
        running = job.start()
        time.sleep(number * job.duration / 5)
        picture.unlink()
        running.communicate()
        picture.write_bytes(content)
        results.append((job.state(other_images=True), running.returncode))
    table.row("image deleted during the run", results, wrong_codes(results, {0, 4}) + next_run(job))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "bin" / "quantize", type=pathlib.Path)
    parser.add_argument("--kills", default=30, type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(arguments.program.resolve(), pathlib.Path(folder))
        table = Table()
        killed(job, table, arguments.kills)
        killed_while_publishing(job, table, 5)
        interrupted(job, table)
        disk_full(job, table)
        read_only(job, table)
        memory_limit(job, table)
        image_deleted(job, table)
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
