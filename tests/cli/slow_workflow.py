"""The Snakemake workflow, for real on this machine: the result of many steps is the result of one run, and only what is missing is made again."""

import os
import signal
import subprocess
import time

from support import listing, start
from workflow import SCHEMES, SHARDS, prepare, snakemake, words


def test_a_worker_that_is_killed_costs_only_its_own_step(program, tmp_path):
    place = prepare(program, tmp_path)
    slow = tmp_path / "slow"  # the program, that waits at one shard until it is killed
    slow.write_text(f'#!/bin/sh\ncase "$*" in *"--shard 3/{SHARDS}"*w4a16*|*w4a16*"--shard 3/{SHARDS}"*) echo $$ >>{tmp_path}/waiting; exec sleep 600;; esac\n'
                    f'exec {program} "$@"\n', encoding="utf-8")
    slow.chmod(0o755)
    running = subprocess.Popen([str(word) for word in (*words(), "--config", f"program={slow}")], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "XDG_CACHE_HOME": str(place / ".cache")})
    killed, deadline = set(), time.monotonic() + 600
    while running.poll() is None:
        assert time.monotonic() < deadline
        waiting = set((tmp_path / "waiting").read_text(encoding="utf-8").split()) if (tmp_path / "waiting").exists() else set()
        for process in waiting - killed:
            os.kill(int(process), signal.SIGKILL)
            killed.add(process)
        time.sleep(0.1)
    assert running.returncode != 0
    assert len(killed) == 2  # one for each model
    made = {name: (place / "out" / name).stat().st_mtime_ns for name in listing(place / "out")}
    assert not any("w4a16.onnx" in name for name in made)
    assert "a.w8a8.onnx" in made

    run = snakemake(place)
    assert run.returncode == 0, run.stderr
    steps = [line.split()[1].rstrip(":") for line in run.stderr.splitlines() if line.startswith(("rule ", "localrule "))]
    assert sorted(steps) == sorted(["calibrate", "merge", "apply"] * 2 + ["report", "all"])
    assert all((place / "out" / name).stat().st_mtime_ns == moment for name, moment in made.items())
    for model in ("a", "b"):
        for scheme in SCHEMES:
            whole = start(program, place / f"{model}.onnx", "--calib", place / "images", "--test", place / "test", "--scheme", scheme, "-O1", "--latency-runs", "0",
                          "-o", place / "whole.onnx")
            assert whole.returncode == 0, whole.stderr
            assert (place / "out" / f"{model}.{scheme}.onnx").read_bytes() == (place / "whole.onnx").read_bytes()
    assert "comparison.html" in listing(place / "out")
    assert snakemake(place, "--dry-run").stdout.count("Nothing to be done") == 1
