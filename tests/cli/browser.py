"""Headless Chromium, without network: opens a page of this disk and says what came of it."""

import html
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=5000", "--enable-logging=stderr", "--v=0"]

# A window of Chromium is never narrower than 500 pixels (only its screenshots are), a frame in it is as narrow as a phone.
FRAME = """<!doctype html><iframe src="page.html{fragment}" width="{width}" height="{height}"></iframe>
<script>addEventListener("message", (event) => document.body.dataset.facts = JSON.stringify(event.data))</script>"""
LATE = """<script>addEventListener("load", () => setTimeout(() => {{
{script}
setTimeout(() => parent.postMessage({{...document.body.dataset}}, "*"), 100);
}}, 100));</script></body>"""


def take_screenshot(page, size, picture, *, dark=False):
    """Returns the lines that the page wrote to the console."""
    with tempfile.TemporaryDirectory() as scratch:
        return _run(scratch, size, f"--screenshot={picture}", f"file://{page}", f"--blink-settings=preferredColorScheme={0 if dark else 1}")[1]


def open_page(page, size, *, fragment="", script=""):
    """Opens the page in a frame of that size, runs `script` after the page has drawn; returns document.body.dataset and the console's lines."""
    with tempfile.TemporaryDirectory() as scratch:
        text = page.read_text(encoding="utf-8")
        pathlib.Path(scratch, "page.html").write_text(text.replace("</body>", LATE.format(script=script)), encoding="utf-8")
        frame = pathlib.Path(scratch, "frame.html")
        frame.write_text(FRAME.format(fragment=fragment, width=size[0], height=size[1]), encoding="utf-8")
        markup, console = _run(scratch, (max(500, size[0] + 20), size[1] + 20), "--dump-dom", f"file://{frame}")
    facts = re.search(r'data-facts="([^"]*)"', markup)
    assert facts, f"the page did not come to its end: {console}"
    return json.loads(html.unescape(facts.group(1))), console


def _run(scratch, size, wanted, address, *flags):
    command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={scratch}/profile", f"--window-size={size[0]},{size[1]}", wanted, address]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout, [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
