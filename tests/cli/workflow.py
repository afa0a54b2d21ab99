"""What the tests of the Snakemake workflow share."""

import os
import pathlib
import subprocess

import pytest
from conftest import ROOT
from models import two_convolutions
from support import draw_pictures

WORKFLOW = ROOT / "tools" / "workflow"
CACHE = pathlib.Path(os.environ.get("QUANTIZE_CACHE", pathlib.Path.home() / ".cache" / "quantize"))
SNAKEMAKE = CACHE / "workflow" / "bin" / "snakemake"
SCHEMES = ["w8a8", "w8a16", "w4a16"]
SHARDS = 4


def prepare(program, folder):
    """Two models, pictures and a job file in `folder`."""
    if not SNAKEMAKE.exists():
        pytest.skip("Snakemake is not installed: tools/setup.sh --dev")
    for name, opset in (("a", 17), ("b", 13)):
        two_convolutions(folder / f"{name}.onnx", opset=opset)
    draw_pictures(folder / "images", count=10)
    draw_pictures(folder / "test", count=3)
    (folder / "job.yaml").write_text(f"program: {program}\nmodels: [a.onnx, b.onnx]\nschemes: [{', '.join(SCHEMES)}]\ncalib: images\ntest: test\n"
                                       f"options: -O1 --latency-runs 0 --pictures 0\nshards: {SHARDS}\noutput: out\n", encoding="utf-8")
    return folder


def words(profile="local"):
    return [SNAKEMAKE, "--snakefile", WORKFLOW / "Snakefile", "--configfile", "job.yaml", "--profile", WORKFLOW / "profiles" / profile, "--cores", "2"]


def snakemake(place, *options, **keywords):
    return subprocess.run([str(word) for word in (*words(), *options)], cwd=place, capture_output=True, text=True, timeout=900,
                          env={**os.environ, "XDG_CACHE_HOME": str(place / ".cache"), **keywords})
