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
from support import start

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
    embedded = re.search(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
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
def test_tiles_have_the_digits_of_the_other_forms(page, report):
    drawn, console = open_page(page, DESKTOP, script="""
        document.body.dataset.tiles = JSON.stringify(Object.fromEntries([...document.querySelectorAll("#tiles dl")].map((tile) =>
            [tile.querySelector("dt").textContent, tile.querySelector(".value").textContent + " | " + tile.querySelector(".detail").textContent])));
        document.body.dataset.fixed = [fixed(-0.00001, 4), fixed(-0.0003, 4), fixed(-10, 0), fixed(31.25, 1), changeOfMiou(0.00001), changeOfMiou(0.0003)].join(" ");""")
    assert console == []
    tiles, accuracy = json.loads(drawn["tiles"]), report["accuracy"]
    if accuracy["images"]:
        assert tiles["PSNR against FP32"].startswith(f"{accuracy['psnr_db']:.2f} dB | worst {accuracy['psnr_db_worst']:.2f} dB")
        assert tiles["mIoU against FP32"].startswith(f"{accuracy['miou_vs_fp32']:.4f} ")
    if "miou_fp32" in accuracy:
        assert tiles["mIoU against labels"].startswith(f"{accuracy['miou_quantized']:.4f}  | FP32 {accuracy['miou_fp32']:.4f}")
    assert drawn["fixed"] == "0.0000 −0.0003 −10 31.3 0.0000 +0.0003"


@in_browser
@both_sizes
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_screenshot_is_not_blank(page, tmp_path, size, dark):
    console = take_screenshot(page, size, tmp_path / "page.png", dark=dark)
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == size
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 100
        brightness = sorted(picture.convert("L").getdata())
        assert (brightness[len(brightness) // 2] < 64) == dark
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
def test_worst_picture_lies_under_a_slider_that_keys_move(page, report):
    if not report["pictures"]:
        pytest.skip("this report has no pictures")
    drawn, console = open_page(page, DESKTOP, script="""
        const [host] = document.getElementsByClassName("inline"), slider = host.querySelector("input"), stack = host.querySelector(".stack");
        document.body.dataset.before = stack.style.getPropertyValue("--at");
        slider.value = 25;
        slider.dispatchEvent(new Event("input"));
        document.body.dataset.after = stack.style.getPropertyValue("--at");
        document.body.dataset.images = [...stack.querySelectorAll("img")].map((image) => image.alt.split(" model")[0]).join(", ");
        document.body.dataset.place = host.closest(".picture") === document.querySelector(".picture");""")
    assert console == []
    assert (drawn["before"], drawn["after"], drawn["place"]) == ("50%", "25%", "true")
    assert drawn["images"] == "Classes the FP32, Classes the quantized"
    assert report["pictures"][0]["name"] == report["accuracy"]["worst_image"]


@in_browser
def test_layers_can_be_seen_in_the_order_of_the_network(page, report):
    drawn, console = open_page(page, DESKTOP, script="""
        const order = document.getElementById("layer_order"), shown = () => charts[0].data[1].join(" ");
        document.body.dataset.worst = shown();
        order.value = "network";
        order.dispatchEvent(new Event("input"));
        document.body.dataset.network = shown();""")
    values = {layer["node"]: layer["sqnr_db"] for layer in report["layers"]}
    in_order = [values[row["node"]] for row in report["decisions"] if row["node"] in values]
    assert console == []
    assert [float(value) for value in drawn["worst"].split()] == [layer["sqnr_db"] for layer in report["layers"]]
    assert [float(value) for value in drawn["network"].split()] == in_order


@in_browser
@both_sizes
def test_every_control_has_a_name_and_takes_the_focus(page, size):
    drawn, console = open_page(page, size, script="""
        const controls = [...document.querySelectorAll("button, input, select, a[href], summary")].filter((one) => !one.closest("dialog, [hidden]"));
        const named = (one) => one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length || one.querySelector("img[alt]");
        document.body.dataset.controls = controls.length;
        document.body.dataset.nameless = controls.filter((one) => !named(one)).map((one) => one.outerHTML.slice(0, 80)).join("; ");
        document.body.dataset.lost = controls.filter((one) => { one.focus(); return one.checkVisibility() && document.activeElement !== one; }).length;""")
    assert console == []
    assert int(drawn["controls"]) > 20
    assert (drawn["nameless"], drawn["lost"]) == ("", "0")


@in_browser
def test_sections_with_nothing_to_show_are_not_there(page, report):
    drawn, _ = open_page(page, DESKTOP, script="""
        const shown = [...document.querySelectorAll("section[id]")].filter((one) => !one.hidden);
        document.body.dataset.shown = shown.map((one) => one.id).join(" ");
        document.body.dataset.links = [...document.querySelectorAll("nav a")].map((one) => one.hash.slice(1)).join(" ");
        document.body.dataset.bare = shown.filter((one) => one.innerText.trim() === one.querySelector("h2").innerText.trim()).map((one) => one.id).join(" ");""")
    assert drawn["links"] == drawn["shown"]
    assert drawn["bare"] == ""
    assert "mixed" not in report and "mixed" not in drawn["shown"].split()


@in_browser
def test_advice_is_a_command_to_copy(page, report):
    drawn, console = open_page(page, DESKTOP, script="""
        document.body.dataset.commands = JSON.stringify([...document.querySelectorAll("#advice_list code")].map((code) => code.textContent));
        document.body.dataset.hidden = document.getElementById("advice").hidden;
        document.querySelector("#command .copy").click();
        document.body.dataset.selected = getSelection().toString();""")
    assert console == []
    assert json.loads(drawn["commands"]) == [advice["command"] for advice in report["advice"]]
    assert drawn["hidden"] == str(not report["advice"]).lower()
    assert drawn["selected"] == report["command"]


@in_browser
def test_page_says_why_nodes_stay_float(page, report):
    drawn, _ = open_page(page, DESKTOP, script="""
        document.body.dataset.counts = [...document.querySelectorAll("#float_reasons b")].map((one) => one.textContent).join(" ");""")
    assert sum(int(count) for count in drawn["counts"].split()) == sum(not row["quantized"] for row in report["decisions"])


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


@in_browser
def test_the_page_of_two_compared_models_has_no_tile_of_nodes(program, demo_run, tmp_path):
    demo = ROOT / "data" / "demo"
    run = start(program, "evaluate", demo / "model.onnx", demo_run / "out.onnx", "--test", demo / "test", "--latency-runs", "0", "--pictures", "1", "-o", tmp_path / "e")
    assert run.returncode == 0, run.stderr
    script = """document.body.dataset.tiles = [...document.querySelectorAll("#tiles dt")].map((label) => label.textContent).join();
        document.body.dataset.made = document.getElementById("made").textContent;"""
    drawn = open_page(tmp_path / "e.report.html", DESKTOP, script=script)[0]
    tiles = drawn["tiles"].split(",")
    assert "Size" in tiles
    assert "Quantized" not in tiles
    assert re.match(r"W8A8 · evaluated on 24 pictures in [0-9.]+ s · quantize ", drawn["made"]), drawn["made"]
    assert "evaluated on 24 pictures in " in run.stdout
