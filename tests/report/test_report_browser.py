"""The page in a real browser: it opens from disk, its policy lets its own style and script run, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from results_for_report import full_result, hostile_result, routing_result

from triage_lab.domain.result import Result
from triage_lab.report import render_scorecard

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


def dump(page: Path, profile: Path, *flags: str) -> tuple[str, str]:
    """The document after its script has run, and what the browser logged."""
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--enable-logging=stderr",
        "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}", *flags, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("build", [full_result, routing_result, hostile_result])
def test_page_opens_from_disk_and_its_script_runs(build: Callable[[], Result], tmp_path: Path) -> None:
    page = tmp_path / "scorecard.html"
    page.write_text(render_scorecard(build()), "utf-8")
    document, log = dump(page, tmp_path / "profile", "--dump-dom")
    assert 'data-script="ready"' in document
    assert re.search(r"<title>.*triage_lab scorecard</title>", document)
    assert '<button type="button" class="theme" data-theme-toggle="">' in document
    errors = [line for line in log.splitlines() if "CONSOLE" in line or "Content Security Policy" in line]
    assert errors == []
    assert "alert(1)</script>" not in document.split("<body>", 1)[1].replace("&lt;/script&gt;", "")


def test_summary_prints_on_one_page(tmp_path: Path) -> None:
    """The first screen ends with a page break, so the second page must start with section 1."""
    text = render_scorecard(full_result())
    alone = re.sub(r'<div class="drill">.*</main>', "</main>", text, flags=re.S)
    alone = re.sub(r"<footer.*?</footer>", "", alone, flags=re.S).replace('<div class="first">', '<div class="only">')
    page, target = tmp_path / "first.html", tmp_path / "first.pdf"
    page.write_text(alone, "utf-8")
    dump(page, tmp_path / "profile", f"--print-to-pdf={target}")
    pages = re.findall(rb"/Type\s*/Page(?![a-zA-Z])", target.read_bytes())
    assert len(pages) == 1
