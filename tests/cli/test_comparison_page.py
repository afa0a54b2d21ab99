"""The page that compares several runs, as a browser draws it."""

import pytest
from browser import CHROMIUM, open_page
from conftest import ROOT
from support import quantize, start

DESKTOP, PHONE = (1300, 900), (390, 844)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def page(program, tmp_path_factory):
    folder, demo = tmp_path_factory.mktemp("comparison"), ROOT / "data" / "demo"
    for scheme in ("w8a8", "w8a16", "w4a16"):
        quantize(program, demo / "model.onnx", demo / "calib", folder / f"demo.{scheme}.onnx", "--test", demo / "test", "--labels", demo / "labels", "--scheme", scheme, "--latency-runs", "2",
                 quick=["--samples", "6", "-O0"])
    run = start(program, "report", *sorted(folder.glob("*.report.json")), "-o", folder / "all.html")
    assert run.returncode == 0, run.stderr
    return folder / "all.html"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_comparison_draws_everything_without_an_error(page, size):
    drawn, console = open_page(page, size, fragment="#selftest", script="""
        document.body.dataset.rows = document.querySelectorAll("#run_table tbody tr").length;
        document.body.dataset.widths = [innerWidth, document.documentElement.scrollWidth];
        document.body.dataset.settings = document.querySelectorAll("#setting_table tbody tr").length;
        document.body.dataset.notes = document.getElementById("notes").hidden;""")
    assert console == []
    assert drawn["rows"] == "3"
    assert drawn["ready"] == "charts:2 pictures:0 broken:0"
    assert all(int(count) > 200 for count in drawn["canvases"].split())
    assert drawn["widths"] == f"{size[0]},{size[0]}"
    assert drawn["settings"] == "1"
    assert drawn["notes"] == "true"


def test_every_run_leads_to_its_own_page(page):
    drawn, _ = open_page(page, DESKTOP, script="""
        document.body.dataset.links = [...document.querySelectorAll("#run_table a, #command_list a")].map((link) => link.getAttribute("href")).join(" ");""")
    links = drawn["links"].split()
    assert sorted(links) == sorted([f"demo.{scheme}.report.html" for scheme in ("w8a8", "w8a16", "w4a16")] * 2)
    assert all((page.parent / link).is_file() for link in links)


def test_a_report_given_twice_is_listed_once(program, page, tmp_path):
    [report, *_] = sorted(page.parent.glob("*.report.json"))
    run = start(program, "report", report, report, "-o", tmp_path / "twice.html")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(report.name.removesuffix(".report.json") + ".onnx") == 1
    drawn, console = open_page(tmp_path / "twice.html", DESKTOP, script='document.body.dataset.rows = document.querySelectorAll("#run_table tbody tr").length;')
    assert (console, drawn["rows"]) == ([], "1")


def test_every_column_of_three_runs_is_in_sight_on_a_desktop(page):
    drawn, _ = open_page(page, DESKTOP, script="""
        const box = document.querySelector("#run_table .scroll");
        document.body.dataset.widths = [box.scrollWidth, box.clientWidth];
        document.body.dataset.heads = [...box.querySelectorAll("th")].map((head) => head.textContent).join();""")
    needed, there = map(int, drawn["widths"].split(","))
    assert needed <= there, drawn["heads"]
    assert "Speed" in drawn["heads"].split(",")


def test_the_verdict_of_every_run_is_in_sight_on_a_phone(page):
    drawn, _ = open_page(page, PHONE, script="""
        const box = document.querySelector("#run_table .scroll").getBoundingClientRect();
        document.body.dataset.cut = [...document.querySelectorAll("#run_table .badge")].filter((one) => one.getBoundingClientRect().right > box.right).length;""")
    assert drawn["cut"] == "0"


def test_mious_on_labels_stand_beside_that_of_fp32(page):
    drawn, _ = open_page(page, DESKTOP, script="""
        const heads = [...document.querySelectorAll("#run_table th")].map((head) => head.textContent), column = heads.indexOf("mIoU on labels");
        document.body.dataset.cells = [...document.querySelectorAll("#run_table tbody tr")].map((row) => row.children[column].textContent).join();
        document.body.dataset.axes = charts.map((chart) => chart.axes[1].label).join();
        document.body.dataset.note = document.getElementById("label_note").hidden;""")
    assert all("FP32 0.80" in cell for cell in drawn["cells"].split(",")), drawn["cells"]
    assert drawn["axes"] == "PSNR, dB,SQNR, dB"
    assert drawn["note"] == "false"
