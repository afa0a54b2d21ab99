"""The runtimes of other devices, where tools/setup.sh --with qnn --with openvino installed them."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

CACHE = pathlib.Path(os.environ.get("QUANTIZE_CACHE", pathlib.Path.home() / ".cache" / "quantize"))


def installed(package):
    """The newest version of a package in the cache, or nothing."""
    found = sorted(CACHE.glob(package + "-[0-9]*"), key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.name)])
    return found[-1] if found else None


needs_qnn = pytest.mark.skipif(not installed("onnxruntime-qnn"), reason="tools/setup.sh --with qnn was not run")
needs_openvino = pytest.mark.skipif(not installed("openvino"), reason="tools/setup.sh --with openvino was not run")


def run_apart(package, script, *arguments):
    """Runs Python with the package importable, in a process of its own: neither runtime survives beside everything else."""
    environment = {**os.environ, "PYTHONPATH": str(installed(package)), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout
