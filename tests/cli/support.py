"""Starts the program as a user would, and draws pictures to feed it."""

import json
import os
import subprocess

import numpy as np
from PIL import Image

QUICK = ["--samples", "6", "--latency-runs", "0", "-O0"]


def start(program, *arguments, **options):
    """Runs to the end, whatever that is."""
    return subprocess.run([str(word) for word in (program, *arguments)], capture_output=True, text=True, timeout=300, **options)


def quantize(program, model, folder, output, *arguments, quick=QUICK, **options):
    """One short run that must succeed."""
    run = start(program, model, "--calib", folder, "-o", output, *quick, *arguments, **options)
    assert run.returncode == 0, run.stderr
    return run


def complaints(ended):
    """The lines on standard error but the estimate of memory, which is said before a run whatever becomes of it."""
    return [line for line in ended.stderr.splitlines() if not line.startswith("info: memory: about ")]


def report_of(output):
    return json.loads(output.with_suffix(".report.json").read_text(encoding="utf-8"))


def listing(folder):
    """Also of a folder that is written to meanwhile: unlike rglob(), walk() passes over what vanishes under it."""
    return sorted(os.path.relpath(os.path.join(parent, name), folder) for parent, folders, files in os.walk(folder) for name in folders + files)


def draw(random, width, height, channels):
    """A gradient and a rectangle under a little noise: something that pictures have and noise has not."""
    y, x = np.mgrid[0:height, 0:width]
    values = np.stack([(x * random.uniform(0, 4) + y * random.uniform(0, 4) + random.uniform(0, 90)) for _ in range(channels)], -1)
    values[height // 4 : height // 2, width // 4 : width // 2] = random.uniform(0, 255, channels)
    return np.clip(values + random.normal(0, 4, values.shape), 0, 255).astype(np.uint8)


def draw_pictures(folder, count=8, size=(32, 32), channels=3, ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(count)
    for number in range(count):
        values = draw(random, *size, channels)
        Image.fromarray(values[..., 0] if channels == 1 else values).save(folder / f"picture_{number:02}.{ending}")
    return folder


def draw_tensors(folder, shape, count=8):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(count)
    for number in range(count):
        np.save(folder / f"item_{number:02}.npy", random.normal(0, 1, shape).astype(np.float32))
    return folder
