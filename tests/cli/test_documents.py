"""The README and data/docs say what the program says: options, exit codes, files."""

import json
import re

import pytest
from conftest import ROOT
from support import start

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "data" / "docs").glob("*.md"))]
# Of other programs (cmake, ctest, the scripts in tools/) that the documents tell to run.
FOREIGN = {"--dev", "--full", "--install", "--prefix", "--preset", "--quick", "--test-dir", "--with", "--workflow"}


@pytest.fixture(scope="module")
def manual(program):
    run = start(program, "man")
    assert run.returncode == 0, run.stderr
    return run.stdout.replace("\\-", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_named_exists(document, manual):
    known = set(re.findall(r"--[a-z][a-z0-9-]+", manual)) | FOREIGN
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]", document.read_text(encoding="utf-8")))
    assert sorted(named - known) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_linked_exists(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_exit_codes_of_the_readme_are_those_of_the_help(program):
    lines = start(program, "--help").stdout.split("Exit codes:\n")[1].splitlines()
    codes = [line.split()[0] for line in lines if re.match(r" +\d+ ", line)]
    paragraph = re.search(r"Exit codes: (.*?)\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    assert re.findall(r"(?:^|; )(\d+) ", paragraph.replace("\n", " ")) == codes


def test_report_document_names_every_section_of_the_page():
    page = (ROOT / "src" / "report" / "page" / "report.html").read_text(encoding="utf-8")
    text = (ROOT / "data" / "docs" / "report.md").read_text(encoding="utf-8")
    for heading in re.findall(r"<h2>(.*?)</h2>", page):
        assert heading in text, heading


def test_formats_document_names_every_schema():
    text = (ROOT / "data" / "docs" / "formats.md").read_text(encoding="utf-8")
    for schema in (ROOT / "data").glob("*.schema.json"):
        json.loads(schema.read_text(encoding="utf-8"))
        assert schema.name in text, schema.name


def test_how_it_works_names_every_step_that_can_be_left_out(program):
    message = start(program, "m.onnx", "--calib", "images", "--scheme", "w8a8", "--without", "nothing").stderr
    steps = message.split("known: ")[1].strip().split(", ")
    text = (ROOT / "data" / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    assert [step for step in steps if f"`{step}`" not in text] == []
