"""The Snakemake workflow's plan; slow_workflow.py runs it."""

import shutil
import subprocess

from workflow import SHARDS, WORKFLOW, prepare, snakemake, words


def test_the_plan_has_every_model_scheme_and_shard(program, tmp_path):
    place = prepare(program, tmp_path)
    run = snakemake(place, "--dry-run")
    assert run.returncode == 0, run.stderr
    for rule, count in (("calibrate", 2 * 3 * SHARDS), ("merge", 6), ("apply", 6), ("report", 1)):
        assert [line.split() for line in run.stdout.splitlines()].count([rule, str(count)]) >= 1, run.stdout


def test_the_profile_for_slurm_can_be_read(program, tmp_path):
    place = prepare(program, tmp_path)
    shutil.copytree(WORKFLOW / "profiles" / "slurm", place / "slurm")
    config = place / "slurm" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("executor: slurm\n", ""), encoding="utf-8")  # whose plug-in is the cluster's to install
    run = subprocess.run([str(word) for word in (*words(), "--dry-run", "--profile", place / "slurm")], cwd=place, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
