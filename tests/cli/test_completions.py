"""What is made from the table of options: completions as a shell uses them, and the manual page."""

import re
import shutil
import subprocess

import pytest
from support import start

# Calls the function as bash's readline would: the words so far, the last of them being completed.
COMPLETE = """
compopt() { :; }
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_quantize
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(program, tmp_path_factory):
    """The completions for a shell, in a file."""
    folder = tmp_path_factory.mktemp("completions")

    def make(shell):
        run = start(program, "completions", shell)
        assert run.returncode == 0, run.stderr
        (folder / shell).write_text(run.stdout, encoding="utf-8")
        return folder / shell

    return make


@pytest.fixture(scope="module")
def complete(script):
    path = script("bash")

    def words(*typed, cwd=None):
        run = subprocess.run(["bash", "-c", COMPLETE, "bash", path, "quantize", *typed], capture_output=True, text=True, timeout=60, cwd=cwd)
        assert run.returncode == 0 and run.stderr == "", run.stderr
        return run.stdout.split()

    return words


def options_of(program, *command):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", start(program, *command, "--help").stdout.split("Examples:")[0].split("Subcommands:")[0]))


def test_bash_knows_the_sub_commands(complete):
    assert "completions" in complete("comp")
    assert {"man", "completions"} <= set(complete(""))
    assert "measure-memory" not in complete("m")


def test_bash_knows_every_option(program, complete):
    assert set(complete("model.onnx", "--")) >= options_of(program)
    assert complete("model.onnx", "--sch") == ["--scheme"]


def test_bash_knows_an_options_words(complete):
    assert complete("model.onnx", "--scheme", "w8") == ["w8a8", "w8a16"]
    assert complete("model.onnx", "--scheme", "=", "w4") == ["w4a16"]
    assert "argmax" in complete("--output-dtype", "")


def test_bash_knows_files_from_folders(complete, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "photo.txt").write_text("")
    assert complete("model.onnx", "--calib", "p", cwd=tmp_path) == ["pictures"]
    assert sorted(complete("model.onnx", "-o", "p", cwd=tmp_path)) == ["photo.txt", "pictures"]
    assert complete("model.onnx", "--samples", "", cwd=tmp_path) == []


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_reads_its_script(script):
    path = script("zsh")
    assert path.read_text(encoding="utf-8").startswith("#compdef quantize\n")
    run = subprocess.run(["zsh", "-n", path], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(script):
    path = script("fish")
    for typed, expected in [("comp", "completions"), ("model.onnx --scheme w4", "w4a16"), ("model.onnx --out", "--output-dtype")]:
        run = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C 'quantize {typed}'"], capture_output=True, text=True, timeout=60)
        assert run.stderr == ""
        assert expected in [line.split("\t")[0] for line in run.stdout.splitlines()]


def test_unknown_shell_is_refused_with_the_nearest(program):
    run = start(program, "completions", "bsh")
    assert run.returncode == 2
    assert "did you mean 'bash'?" in run.stderr


@pytest.fixture(scope="module")
def page(program, tmp_path_factory):
    run = start(program, "man")
    assert run.returncode == 0, run.stderr
    path = tmp_path_factory.mktemp("man") / "quantize.1"
    path.write_text(run.stdout, encoding="utf-8")
    return path


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_manual_page_is_without_a_warning(page):
    run = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_shows_every_option_and_exit_code(program, page):
    run = subprocess.run(["man", "-l", page], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    text = run.stdout.replace("\u2010", "-").replace("\u2212", "-")
    assert run.returncode == 0, run.stderr
    for heading in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
        assert f"\n{heading}\n" in "\n" + text, heading
    missing = [option for option in options_of(program) if option not in text]
    assert missing == []
    assert re.search(r"^ +130 +interrupted", text, re.MULTILINE)
