"""The page that compares several runs, as a browser draws it."""

import pytest
from browser import CHROMIUM, open_page
from conftest import ROOT
from support import quantize, start

DESKTOP, PHONE = (1280, 900), (390, 844)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def page(program, tmp_path_factory):
    folder, demo = tmp_path_factory.mktemp("comparison"), ROOT / "data" / "demo"
    for scheme in ("w8a8", "w8a16", "w4a16"):
        quantize(program, demo / "model.onnx", demo / "calib", folder / f"demo.{scheme}.onnx", "--test", demo / "test", "--scheme", scheme)
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
