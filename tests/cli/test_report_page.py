"""The reports of a run: the JSON against its schema, and the page as a browser draws it."""

import json
import os
import pathlib
import re

import jsonschema
import pytest
from browser import CHROMIUM, open_page, take_screenshot
from conftest import ROOT
from PIL import Image

DESKTOP, PHONE = (1280, 900), (390, 844)
both_sizes = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="session")
def page(request):
    """The HTML report: that of QUANTIZE_TEST_REPORT_HTML, else the demonstration run's."""
    if "QUANTIZE_TEST_REPORT_HTML" in os.environ:
        return pathlib.Path(os.environ["QUANTIZE_TEST_REPORT_HTML"]).resolve()
    [found] = request.getfixturevalue("demo_run").glob("*.html")
    return found


@pytest.fixture(scope="session")
def report(page):
    path = pathlib.Path(os.environ.get("QUANTIZE_TEST_REPORT_JSON", page.with_suffix(".json")))
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture(scope="session")
def schema():
    return json.loads((ROOT / "data" / "report.schema.json").read_text(encoding="utf-8"))


def test_json_follows_the_schema(report, schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema, cls=jsonschema.Draft202012Validator)


def test_schema_refuses_what_it_does_not_know(report, schema):
    for part in (schema, *schema["$defs"].values()):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) <= set(part["properties"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**report, "unknown": 1}, schema)


def test_page_holds_the_same_report(page, report):
    embedded = re.search(r'<script id="report" type="application/json">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert json.loads(embedded.group(1)) == report


def test_page_names_nothing_outside_itself(page):
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for address in re.findall(r'\b(?:src|href)="([^"]{0,40})', markup):
        assert address.startswith(("data:", "#")), address


def test_pictures_have_alternative_text(page, report):
    alternatives = re.findall(r'<img\b[^>]*?\balt="([^"]*)"', page.read_text(encoding="utf-8"))
    assert len(alternatives) == 4 * len(report["pictures"])
    assert all(alternatives)


@in_browser
@both_sizes
def test_page_draws_everything_without_an_error(page, report, size):
    drawn, console = open_page(page, size, fragment="#selftest")
    charts = (1 if report["layers"] else 0) + len(report["histograms"])
    assert console == []
    assert drawn["ready"] == f"charts:{charts} pictures:{4 * len(report['pictures'])} broken:0"
    pixels = [int(count) for count in drawn["canvases"].split()]
    assert len(pixels) == charts
    # Of the 20,000 that the page looks at; the least is a constant tensor's: an axis, its labels and one line.
    assert all(count > 200 for count in pixels), pixels


@in_browser
@both_sizes
def test_screenshot_is_not_blank(page, tmp_path, size):
    console = take_screenshot(page, size, tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == size
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 100
    assert console == []


@in_browser
def test_page_is_not_wider_than_a_phone(page):
    drawn, _ = open_page(page, PHONE, script="document.body.dataset.widths = [innerWidth, document.documentElement.scrollWidth]")
    assert drawn["widths"] == f"{PHONE[0]},{PHONE[0]}"


@in_browser
def test_table_of_nodes_filters_and_sorts(page, report):
    drawn, console = open_page(page, DESKTOP, script="""
        const host = document.getElementById("decision_table"), [kind] = host.getElementsByTagName("select");
        const names = () => [...host.querySelectorAll("tbody tr")].map((row) => row.firstChild.textContent);
        document.body.dataset.all = names().length;
        host.querySelector("th button").click();
        host.querySelector("th button").click();
        const inOrder = (first, second) => first.localeCompare(second, undefined, {numeric: true}) >= 0;
        document.body.dataset.sorted = names().slice(1).every((name, index) => inOrder(names()[index], name));
        kind.value = "float";
        kind.dispatchEvent(new Event("input"));
        document.body.dataset.float = names().length;""")
    decisions = report["decisions"]
    assert console == []
    assert int(drawn["all"]) == len(decisions)
    assert int(drawn["float"]) == sum(not row["quantized"] for row in decisions)
    assert drawn["sorted"] == "true"


@in_browser
def test_picture_opens_at_full_size(page, report):
    if not report["pictures"]:
        pytest.skip("this report has no pictures")
    drawn, console = open_page(page, DESKTOP, script="""
        const widths = () => [...document.querySelectorAll("#viewer_stage img")].map((image) => image.clientWidth).join(" ");
        document.querySelector('.pane[data-kind="fp32"]').click();
        document.body.dataset.open = document.getElementById("viewer").open;
        document.body.dataset.one = widths();
        document.querySelector('#viewer_tabs [data-kind="slider"]').click();
        document.body.dataset.two = widths();""")
    width = report["pictures"][0]["width"]
    assert console == []
    assert (drawn["open"], drawn["one"], drawn["two"]) == ("true", f"{width}", f"{width} {width}")


@in_browser
def test_an_error_of_the_page_would_be_seen(page):
    _, console = open_page(page, DESKTOP, script="setTimeout(() => missing())")
    assert len(console) == 1
    assert "missing is not defined" in console[0]
