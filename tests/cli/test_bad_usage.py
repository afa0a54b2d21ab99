"""Wrong options: one line that names the option or the value, exit code 2, nothing written."""

import pytest
from support import QUICK, complaints, listing, start

USAGE = 2


@pytest.fixture
def refused(program, job, tmp_path):
    def run(*options, words=()):
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        ended = start(program, job[0], "--calib", job[1], "-o", folder / "out.onnx", *QUICK, *options)
        [line] = ended.stderr.splitlines()
        assert line.startswith("error: ")
        for word in words:
            assert word in line
        assert (ended.returncode, ended.stdout) == (USAGE, "")
        assert listing(folder) == []
    return run


def test_help_lists_every_exit_code_and_option_group(program):
    ended = start(program, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    codes = ended.stdout[ended.stdout.index("Exit codes:") :]
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "130 "):
        assert f"\n  {code}" in codes
    for group in ("Job", "Pre-processing", "Calibration and encodings", "Evaluation", "General"):
        assert group in ended.stdout


def test_an_unknown_option_is_named(refused):
    refused("--frobnicate", words=["--frobnicate", "--help"])


def test_an_option_without_its_value_is_named(refused):
    refused("--method", words=["--method"])


@pytest.mark.parametrize(("option", "value"), [
    ("--scheme", "w2a2"), ("--method", "magic"), ("--weights", "per-planet"), ("--activations", "odd"), ("--preprocess", "magic"), ("--color", "sepia"),
    ("--layout", "hcwn"), ("--resize", "melt"), ("--input-shape", "1x3xbig"), ("--target", "toaster"), ("--mean", "red"), ("--exclude-regex", "(")])
def test_an_unknown_word_is_named(refused, option, value):
    refused(option, value, words=[value])


@pytest.mark.parametrize(("option", "value"), [
    ("--samples", "0"), ("--samples", "-3"), ("--samples", "few"), ("--holdout", "0"), ("--holdout", "1.5"), ("--percentile", "120"), ("--percentile", "95"),
    ("--latency-runs", "-1"), ("--std", "0"), ("--threads", "-2"), ("--threads", "100000"), ("-O", "7"), ("--opset", "-1"), ("--opset", "999"), ("--pictures", "-1"), ("--seed", "x"),
    ("--scale", "nan"), ("--mean", "1,2"), ("--std", "1,2,3,4"), ("--min-agreement", "97"), ("--min-miou", "50"), ("--min-miou", "-0.1"), ("--max-miou-drop", "1"), ("--max-miou-drop", "-2")])
def test_a_value_that_cannot_work_is_named(refused, option, value):
    refused("--method", "percentile", f"{option}={value}" if option.startswith("--") else f"{option}{value}",
            words=["--optimize" if option == "-O" else option])


@pytest.mark.parametrize("option", ["--reach", "--test", "--labels", "--assignment", "--import-encodings", "--config", "--budget", "--save-assignment"])
def test_an_empty_value_is_no_value(refused, option):
    refused(option, "", words=[option, "empty text"])


def test_an_empty_name_of_the_output_is_refused(program, job, tmp_path):
    ended = start(program, job[0], "--calib", job[1], *QUICK, "-o", "", cwd=tmp_path)
    assert (ended.returncode, "--output" in ended.stderr, listing(tmp_path)) == (USAGE, True, [])
    (tmp_path / "job.toml").write_text("labels = ''\n", encoding="utf-8")
    ended = start(program, job[0], "--calib", job[1], *QUICK, "--config", tmp_path / "job.toml", "-o", tmp_path / "out.onnx")
    assert (ended.returncode, "job.toml, line 1: 'labels' is empty" in ended.stderr) == (USAGE, True)


def test_recipe_and_values_by_hand_exclude_each_other(refused):
    refused("--preprocess", "unit", "--mean", "1", words=["--preprocess"])


def test_an_input_shape_that_contradicts_the_model_is_refused(refused):
    refused("--input-shape", "1x3x64x64", words=["--input-shape", "1x3x32x32"])
    refused("--input-shape", "3x32", words=["--input-shape"])


@pytest.mark.parametrize("option", ["--exclude", "--exclude-op", "--exclude-regex"])
def test_an_exclusion_that_matches_nothing_is_named(refused, option):
    refused(option, "no_such_thing", words=["no_such_thing"])


def test_a_missing_model_or_folder_argument_is_asked_for(program, job):
    for words, missing in ((["--calib", job[1]], "model"), ([job[0]], "--calib"), (["sensitivity", job[0], "-O0"], "--calib"),
                           (["sensitivity", job[0], "-O1"], "--calib")):
        ended = start(program, *words)
        [line] = ended.stderr.splitlines()
        assert ended.returncode == USAGE
        assert missing in line


@pytest.mark.parametrize(("words", "saying"), [
    (["evaluate", "MODEL", "MODEL"], "no test images given: --test"),
    (["encode", "MODEL", "--statistics", "statistics.json", "--reach", "psnr=40"], "--reach chooses encodings while it makes the model"),
    (["MODEL", "--calib", "IMAGES", "--reach", "psnr=40", "--import-encodings", "encodings.json"], "--reach and --import-encodings exclude each other"),
    (["MODEL", "--calib", "IMAGES", *QUICK, "--scheme", "w4a16", "--block-size", "4", "--export-encodings", "aimet:out.json", "-o", "out.onnx"], "leave --block-size out"),
    (["compile", "MODEL", "--htp-arch", "x"], "--htp-arch: 'x' is not a number"), (["compile", "MODEL", "--soc-model", "x"], "--soc-model: 'x' is not a number"),
    (["apply", "MODEL"], "give --statistics FILE, --encodings FILE or both"),
    (["MODEL", "--calib", "IMAGES", "--target", "tensorrt", "--activations", "asymmetric"], "needs symmetric activations"),
    (["MODEL", "--calib", "IMAGES", "--test", "IMAGES", "--holdout", "0.3"], "--test excludes --holdout"),
    (["MODEL", "--calib", "IMAGES", "-v", "-q"], "--verbose excludes --quiet"),
    ([], "no model given; usage: quantize MODEL --calib DIR --scheme w8a8|w8a16|w4a16 [-o OUT.onnx] (quantize --help lists everything, quantize demo"),
    (["calibrate"], "no model given; usage: quantize calibrate MODEL --calib DIR"),
    (["foo", "model.onnx"], "'foo' is no sub-command (see quantize --help)"), (["eval", "model.onnx"], "'eval' is no sub-command; did you mean 'evaluate'?"),
    (["eval"], "no sub-command and no file 'eval'; did you mean 'evaluate'?"), (["nets/foo.onnx", "model.onnx"], "no sub-command and no file 'nets/foo.onnx'"),
    (["MODEL", "other.onnx"], "'other.onnx' is a word too many"),
    (["MODEL", "--calib", "IMAGES", "--method", "mes"], "'mes' is none of auto|entropy|minmax|mse|percentile; did you mean 'mse'?"),
    (["MODEL", "--calib", "IMAGES", "-O", "7"], "'7' is none of 0|1|2|3 (see"),
    (["MODEL", "--calib", "IMAGES", "--samples", "-1"], "--samples: '-1' is not a whole number of 0 or more"),
    (["MODEL", "--calib", "IMAGES", "--samples", "99999999999999999999"], "--samples: '99999999999999999999' is more than 18446744073709551615"),
    (["MODEL", "--calib", "IMAGES", "--samples", "0x10"], "--samples: '0x10' is not a whole number"),
    (["MODEL", "--calib", "IMAGES", "--provider-images", "-1"], "--provider-images: '-1' is not a whole number of 0 or more"),
    (["MODEL", "--calib", "IMAGES", "--seed", "-1"], "--seed: '-1' is not a whole number of 0 or more"),
    (["MODEL", "--calib", "IMAGES", "--seed", "18446744073709551616"], "--seed: '18446744073709551616' is more than 18446744073709551615"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "nan"], "--min-psnr: 'nan' is not a number"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "inf"], "--min-psnr: 'inf' is not a number"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "0x10"], "--min-psnr: '0x10' is not a number"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "1e999"], "--min-psnr: '1e999' is too large or too small"),
    (["MODEL", "--calib", "IMAGES", "--latency-runs", "-99999999999"], "--latency-runs: '-99999999999' is too large or too small"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "++1"], "--min-psnr: '++1' is not a number"),
    (["MODEL", "--calib", "IMAGES", "--min-psnr", "+-1"], "--min-psnr: '+-1' is not a number"),
    (["MODEL", "--calib", "IMAGES", "--mean", "0x1,0,0"], "--mean: '0x1' is not a number"),
    (["batch", "jobs.toml", "--memory", "1"], "--memory: 1 MB is too little for any job; give at least 32, or 0 for no limit"),
    (["batch", "jobs.toml", "--memory", "-1"], "--memory: '-1' is not a whole number of 0 or more"),
    (["batch", "jobs.toml", "--memory", "17592186044416"], "--memory: '17592186044416' is more than 17592186044415")])
def test_options_that_lack_or_exclude_another_are_named(program, job, tmp_path, words, saying):
    given = {"MODEL": job[0], "IMAGES": job[1]}
    ended = start(program, *(given.get(word, word) for word in words), cwd=tmp_path)
    [line] = complaints(ended)
    assert line.startswith("error: ")
    assert saying in line
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert listing(tmp_path) == []


def test_the_model_is_not_overwritten(program, job):
    before = job[0].read_bytes()
    ended = start(program, job[0], "--calib", job[1], "-o", job[0], *QUICK)
    assert ended.returncode == USAGE
    assert job[0].read_bytes() == before


def test_an_unknown_key_of_the_configuration_is_named(refused, tmp_path):
    (tmp_path / "quantize.toml").write_text('schema = "w8a8"\n', encoding="utf-8")
    refused("--config", tmp_path / "quantize.toml", words=["schema"])


def test_a_wrong_value_of_the_configuration_is_named(refused, tmp_path):
    (tmp_path / "quantize.toml").write_text('method = "magic"\n', encoding="utf-8")
    refused("--config", tmp_path / "quantize.toml", words=["magic"])


def test_a_configuration_that_is_missing_or_garbled_is_named(refused, tmp_path):
    refused("--config", tmp_path / "missing.toml", words=["missing.toml"])
    (tmp_path / "garbled.toml").write_bytes(bytes(range(1, 255)))
    refused("--config", tmp_path / "garbled.toml")


def test_an_error_is_one_json_object_where_that_was_asked_for(program, job, tmp_path):
    ended = start(program, job[0], "--calib", tmp_path, "--log-json")
    assert ended.returncode == 4
    [line] = ended.stderr.splitlines()
    assert line.startswith('{"level":"error"')
    assert '"exit_code":4' in line
