"""Gates decide the exit code and nothing else; pipelines get JUnit XML and Markdown beside the JSON."""

import re
import xml.etree.ElementTree as ET

import pytest
from conftest import ROOT
from models import two_convolutions
from support import QUICK, draw_pictures, listing, report_of, start

MISSED, USAGE = 8, 2
DEMO = ROOT / "data" / "demo"


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    return two_convolutions(folder / "model.onnx"), draw_pictures(folder / "pictures")


@pytest.fixture
def gated(program, job, tmp_path):
    def run(*options):
        return start(program, job[0], "--calib", job[1], "-o", tmp_path / "out.onnx", *QUICK, *options)
    return run


FILES = ["out.onnx", "out.report.html", "out.report.json", "out.report.md", "out.report.xml"]


@pytest.mark.parametrize(("option", "value", "figure"), [("--min-psnr", "500", "PSNR"), ("--min-sqnr", "500", "SQNR"), ("--min-agreement", "1", "agreement"),
                                                         ("--min-miou", "1", "mIoU"), ("--min-size-ratio", "100", "size ratio")])
def test_a_missed_gate_has_its_own_exit_code_and_leaves_the_result(gated, tmp_path, option, value, figure):
    run = gated(option, value)
    assert run.returncode == MISSED
    [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    for word in (option, value, figure, "gate missed"):
        assert word in line
    assert listing(tmp_path) == FILES
    [gate] = report_of(tmp_path / "out.onnx")["gates"]
    assert (gate["option"], gate["passed"]) == (option, False)


def test_gates_that_are_met_change_nothing(gated, tmp_path):
    gated()
    plain = (tmp_path / "out.onnx").read_bytes()
    run = gated("--min-psnr", "20", "--min-sqnr", "10", "--min-agreement", "0.5", "--min-miou", "0.1", "--min-size-ratio", "0.5")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out.onnx").read_bytes() == plain
    assert [gate["passed"] for gate in report_of(tmp_path / "out.onnx")["gates"]] == [True] * 5


def test_speed_and_labels_have_gates_too(program, tmp_path):
    run = start(program, DEMO / "model.onnx", "--calib", DEMO / "calib", "--test", DEMO / "test", "--labels", DEMO / "labels", "-o", tmp_path / "out.onnx", "-O0",
                "--samples", "6", "--latency-runs", "3", "--min-speedup", "1000", "--max-miou-drop", "-0.5", "--min-miou", "0.5", "--pictures", "0")
    assert run.returncode == MISSED
    gates = {gate["option"]: gate for gate in report_of(tmp_path / "out.onnx")["gates"]}
    assert {name: gate["passed"] for name, gate in gates.items()} == {"--min-speedup": False, "--max-miou-drop": False, "--min-miou": True}
    assert gates["--min-miou"]["figure"] == "mIoU against the labels"
    accuracy = report_of(tmp_path / "out.onnx")["accuracy"]
    assert gates["--max-miou-drop"]["measured"] == pytest.approx(accuracy["miou_fp32"] - accuracy["miou_quantized"])


@pytest.mark.parametrize("options", [["--max-miou-drop", "0.1"], ["--min-speedup", "1"], ["--min-psnr", "much"]])
def test_a_gate_that_cannot_be_measured_is_refused_at_once(gated, tmp_path, options):
    run = gated(*options)
    assert run.returncode == USAGE
    assert options[0] in run.stderr
    assert listing(tmp_path) == []


def test_junit_has_one_test_case_per_gate(gated, tmp_path):
    gated("--min-psnr", "500", "--min-agreement", "0.1")
    suites = ET.parse(tmp_path / "out.report.xml").getroot()
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("3", "1", "0")
    cases = {case.get("name"): case.find("failure") for case in suites.iter("testcase")}
    assert list(cases) == ["quantized and verified", "--min-psnr", "--min-agreement"]
    assert "demands at least 500 dB" in cases["--min-psnr"].get("message")
    assert cases["--min-agreement"] is None


def test_markdown_shows_figures_and_gates(gated, tmp_path):
    gated("--min-psnr", "500")
    text = (tmp_path / "out.report.md").read_text(encoding="utf-8")
    assert text.startswith("## `out.onnx`: ")
    assert re.search(r"\| PSNR \| [0-9.]+ dB", text)
    assert "| `--min-psnr` | **missed**: PSNR is" in text


def test_a_figure_has_the_same_digits_everywhere(gated, tmp_path):
    run = gated("--min-psnr", "500", "--min-miou", "0.00001")
    accuracy = report_of(tmp_path / "out.onnx")["accuracy"]
    psnr, miou = f"{accuracy['psnr_db']:.2f} dB", f"{accuracy['miou_vs_fp32']:.4f}"
    page, text = ((tmp_path / f"out.report.{ending}").read_text(encoding="utf-8") for ending in ("html", "md"))
    for said in (run.stdout, page, text):
        assert f"PSNR is {psnr}, --min-psnr demands at least 500 dB" in said
    for said in (page, text):
        assert f"mIoU against FP32 is {miou}, --min-miou demands at least 0.00001" in said
    assert f"PSNR {psnr}," in run.stdout
    assert f"mIoU against FP32 {miou}" in run.stdout
    assert f"| mIoU against FP32 | {miou} |" in text


def test_pipelines_get_their_files_without_a_gate_on_request(gated, tmp_path):
    assert gated().returncode == 0
    assert listing(tmp_path) == ["out.onnx", "out.report.html", "out.report.json"]
    assert gated("--ci").returncode == 0
    assert listing(tmp_path) == FILES
    assert gated().returncode == 0
    assert listing(tmp_path) == ["out.onnx", "out.report.html", "out.report.json"], "reports of an earlier run do not stay beside another model"
