"""--config: a file of TOML, and what is wrong with one is said with its line."""

import pytest
from support import QUICK, complaints, listing, quantize, report_of, start

USAGE = 2


@pytest.fixture
def config(tmp_path):
    def write(text):
        (tmp_path / "job.toml").write_text(text, encoding="utf-8")
        return ["--config", tmp_path / "job.toml"]
    return write


def settings(output):
    return {entry["name"]: entry["value"] for entry in report_of(output)["config"]}


def test_it_is_toml(program, job, tmp_path, config):
    (tmp_path / "café").symlink_to(job[1])
    text = f'test = "{tmp_path}/caf\\u00e9"  # a comment\nscheme = """w8a16"""\nseed = 1_0\nexclude = [\n  "conv2",  # one\n]\nmin-agreement = 1e-3\nstrict = true\nci = false\n'
    quantize(program, *job, tmp_path / "out.onnx", *config(text))
    found = settings(tmp_path / "out.onnx")
    assert {"test": f"{tmp_path}/café", "scheme": "w8a16", "seed": "10", "exclude": "conv2", "min-agreement": "0.001", "strict": "true"}.items() <= found.items()
    assert "ci" not in found


def test_what_holds_commas_is_one_value(program, job, tmp_path, config):
    run = start(program, *job[:1], "--calib", job[1], *QUICK, "-o", tmp_path / "out.onnx", *config('reach = "psnr=10,agreement=0.1"\n'))
    assert run.returncode == 0, run.stderr
    assert settings(tmp_path / "out.onnx")["reach"] == "psnr=10,agreement=0.1"


def test_the_command_line_goes_first(program, job, tmp_path, config):
    quantize(program, *job, tmp_path / "out.onnx", *config('samples = 3\nscheme = "w8a16"\npictures = 1\n'), "--scheme", "w4a16")  # QUICK has --samples
    found = settings(tmp_path / "out.onnx")
    assert (found["samples"], found["scheme"], found["pictures"]) == (QUICK[1], "w4a16", "1")


@pytest.mark.parametrize(("text", "saying"), [
    ('calib = images"\n', "line 1: "),
    ("\n\nschem = 'w8a8'\n", "line 3: 'schem' is no option here; did you mean 'scheme'?"),
    ("seed = 3\nseed = 4\n", "line 2: "),
    ("\nseed = [3, 4]\n", "line 2: 'seed' takes one value, no list"),
    ("\nmethod = 'mes'\n", "line 2: --method: 'mes' is none of auto|entropy|minmax|mse|percentile; did you mean 'mse'?"),
    ("seed = -1\n", "line 1: --seed: '-1' is not a whole number of 0 or more"),
    ("strict = 'yes'\n", "line 1: 'strict' is a switch: true or false"),
    ("config = 'other.toml'\n", "line 1: 'config' is for the command line only"),
    ("\noptimize = 2\nO = 0\n", "line 3: 'O' is the same option as 'optimize', which is set above"),
    ("O = 0\n\noptimize = 2\n", "line 3: 'optimize' is the same option as 'O', which is set above"),
    ("\n--scheme = 'w8a8'\n", "line 2: '--scheme' is no option here: they are written without dashes"),
    ("-O = 2\n", "line 1: '-O' is no option here: they are written without dashes"),
    ("[job]\nscheme = 'w8a8'\n", "line 1: 'job' is no option here"),
    ("seed = 1979-05-27\n", "line 1: the value of 'seed' is neither text nor a number")])
def test_what_is_wrong_is_said_with_its_line(program, job, tmp_path, config, text, saying):
    ended = start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *config(text))
    [line] = complaints(ended)
    assert f"job.toml, {saying}" in line
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert listing(tmp_path) == ["job.toml"]
