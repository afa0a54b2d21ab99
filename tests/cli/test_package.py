"""`cmake --install`: the installed program runs by itself, and another C++ program builds against the installed package alone."""

import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import ROOT
from support import listing

BUILD = pathlib.Path(os.environ.get("QUANTIZE_BUILD", ROOT / "build" / "release"))
SOURCE = ROOT / "tests" / "package"


def run(*command, **options):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where the build was installed, moved once: nothing may remember the place it was first installed in."""
    first, folder = (tmp_path_factory.mktemp(name) / "prefix" for name in ("first", "moved"))
    run("cmake", "--install", BUILD, "--prefix", first)
    shutil.move(first, folder)
    return folder


@pytest.fixture(scope="module")
def package_test(prefix, tmp_path_factory):
    build = tmp_path_factory.mktemp("build")
    run("cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)
    return build / "package_test"


def test_installed_program_runs_with_an_empty_environment(prefix):
    assert run(prefix / "bin" / "quantize", "--version", env={}).startswith("quantize ")


def test_installed_program_finds_its_own_runtime(prefix):
    libraries = run("ldd", prefix / "bin" / "quantize", env={"PATH": os.environ["PATH"]})
    [line] = [line for line in libraries.splitlines() if "libonnxruntime" in line]
    assert pathlib.Path(line.split("=>")[1].split()[0]).resolve().is_relative_to(prefix.resolve())


def test_installed_files_name_no_build_or_cache_folder(prefix):
    cache = os.environ.get("QUANTIZE_CACHE", str(pathlib.Path.home() / ".cache" / "quantize"))
    for file in prefix.rglob("*.cmake"):
        text = file.read_text(encoding="utf-8")
        for place in (str(BUILD), str(ROOT), cache):
            assert place not in text, file


def test_every_header_of_the_library_is_installed(prefix):
    headers = {name for name in listing(ROOT / "src") if name.endswith(".h")}
    assert headers <= set(listing(prefix / "include" / "quantize"))


def test_another_program_quantizes_a_model_in_memory(package_test):
    quantizers, sqnr, before, after = run(package_test, ROOT / "data" / "demo" / "model.onnx", env={}).split()
    assert int(quantizers) > 20
    assert float(sqnr) > 20
    assert int(after) < int(before) / 3


def test_another_program_gets_the_reason(package_test, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    ended = subprocess.run([package_test, tmp_path / "broken.onnx"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "a model in memory" in ended.stderr


def test_manual_page_completions_and_documents_are_installed(prefix):
    assert (prefix / "share" / "man" / "man1" / "quantize.1").read_text(encoding="utf-8").startswith(".TH QUANTIZE 1")
    for place in ("bash-completion/completions/quantize", "zsh/site-functions/_quantize", "fish/vendor_completions.d/quantize.fish"):
        assert "scheme" in (prefix / "share" / place).read_text(encoding="utf-8")
    assert {path.name for path in (ROOT / "data" / "docs").iterdir()} <= set(listing(prefix / "share" / "doc" / "quantize"))
