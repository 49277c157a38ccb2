"""The drill: work, submit, mark by hand, back up and upgrade a running hub, lose everything, restore elsewhere, go on."""

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import nbformat
import pytest

from passerelle import courses
from passerelle.grading import pause
from passerelle.model.parcel import pack
from passerelle.model.settings import Settings
from tests.hub.running import CHECKOUT, Browser, RunningHub, environment, running, settings_in, start, wait_for

pytestmark = pytest.mark.slow

TRACK, UNIT = "data-science", "d1-tables"
PAGES = "/services/passerelle/"
FINDING = "Towns are many and small; the region matters more."


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub of its own, with one course whose text a test may change."""
    folder = tmp_path_factory.mktemp("drill")
    shutil.copytree(CHECKOUT / "courses" / TRACK, folder / "text" / TRACK)
    settings = replace(settings_in(folder / "data"), course_sources=folder / "text")
    started = start(settings)
    try:
        yield started
    finally:
        started.stop()


def passerelle(settings: Settings, *arguments: str, code: int = 0) -> str:
    """Run a command as the operator does; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "passerelle.cli", *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def answered(settings: Settings, finding: str) -> dict[str, bytes]:
    """Return the unit with the reference answers, and a finding of her own."""
    made = nbformat.read(settings.courses / TRACK / "release" / UNIT / f"{UNIT}.ipynb", as_version=4)
    source = {cell.id: cell for cell in courses.unit_source(settings.courses / TRACK, UNIT).cells}
    for cell in made.cells:
        kind = cell.metadata.get("passerelle", {}).get("kind")
        if kind == "answer":
            cell.source = re.sub(r"^\s*### (BEGIN|END) SOLUTION\n?", "", source[cell.id].source, flags=re.MULTILINE)
        elif kind == "manual":
            cell.source = finding
    return {f"{UNIT}.ipynb": nbformat.writes(made).encode()}


def submit(browser: Browser, settings: Settings, finding: str) -> str:
    """Submit by way of the exchange; return the receipt."""
    browser.get_page(PAGES)
    token = next(cookie.value for cookie in browser.cookies if cookie.name == "_xsrf" and cookie.path == PAGES)
    sent = browser.post(
        browser.at(f"{PAGES}api/submissions/{TRACK}/{UNIT}"),
        data=pack(answered(settings, finding)),
        headers={"Idempotency-Key": uuid.uuid4().hex, "X-XSRFToken": str(token)},
        timeout=30,
    )
    assert sent.status_code == 201, sent.text
    return str(sent.json()["receipt"])


def attempt(browser: Browser, receipt: str) -> dict[str, object]:
    listed = browser.get_page(f"{PAGES}api/submissions/{TRACK}/{UNIT}").json()
    return next(one for one in listed if one["receipt"] == receipt)


def is_marked(browser: Browser, receipt: str) -> bool:
    return attempt(browser, receipt)["state"] == "marked"


def mark_by_hand(settings: Settings, handle: str, points: float) -> bool:
    """Save a mark as formgrader does: in the gradebook, once there is something to mark."""
    book = sqlite3.connect(settings.courses / TRACK / "gradebook.db", timeout=10)
    with closing(book), contextlib.suppress(sqlite3.OperationalError), book:
        marked = book.execute(
            "UPDATE grade SET manual_score = ?, needs_manual_grade = 0 WHERE needs_manual_grade AND notebook_id IN"
            " (SELECT submitted_notebook.id FROM submitted_notebook JOIN submitted_assignment"
            " ON submitted_assignment.id = submitted_notebook.assignment_id WHERE student_id = ?)",
            (points, handle),
        )
        return marked.rowcount == 1
    return False  # a trainer sees that it was not saved, and saves it again


def path_of(browser: Browser) -> str:
    """Return what her path says, without what is new at every look."""
    page = browser.get_page(PAGES)
    assert page.status_code == 200
    main = page.text.partition("<main")[2]
    assert main
    return re.sub(r"_xsrf[^>]*|nonce-\S+", "", main)


def figures(settings: Settings, out: Path) -> list[dict[str, object]]:
    """Return the track's progress as exported."""
    passerelle(settings, "export", "--track", TRACK, "--format", "json", "--out", str(out))
    (made,) = out.glob("*.json")
    found: list[dict[str, object]] = json.loads(made.read_text())["fellows"]
    return found


@pytest.mark.timeout(240)
def test_an_upgrade_of_a_running_hub_lets_marking_wait_and_go_on(drilled: RunningHub, tmp_path: Path) -> None:
    settings, browser = drilled.settings, drilled.browser("basil")
    with pause.paused(settings.root):
        receipt = submit(browser, settings, FINDING)
        assert passerelle(settings, "doctor", code=0)  # takes longer than the marking process's pause between two looks
        assert attempt(browser, receipt)["state"] == "waiting"
    wait_for(lambda: is_marked(browser, receipt), "marking goes on", 30)
    text = settings.course_sources / TRACK / "units" / UNIT / "unit.md"
    text.write_text(text.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")

    said = passerelle(settings, "upgrade", "--backups", str(tmp_path / "backups"))

    assert "marking waits\n" in said
    assert "restart the hub now" in said
    released = nbformat.read(settings.courses / TRACK / "release" / UNIT / f"{UNIT}.ipynb", as_version=4)
    assert "One more sentence." in released.cells[-1].source
    again = submit(browser, settings, FINDING)
    wait_for(lambda: is_marked(browser, again), "marking goes on", 30)


@pytest.mark.timeout(300)
def test_everything_is_lost_and_she_goes_on_where_she_was(drilled: RunningHub, tmp_path: Path) -> None:
    settings, browser = drilled.settings, drilled.browser("acacia")
    receipt = submit(browser, settings, FINDING)
    wait_for(lambda: is_marked(browser, receipt), "the verdict", 30)
    wait_for(partial(mark_by_hand, settings, "acacia", 2.0), "the gradebook", 20)
    wait_for(lambda: attempt(browser, receipt)["points"] == 12, "the mark by hand", 20)
    home = settings.home("acacia")
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "notes.txt").write_text("hers")
    before, exported = path_of(browser), figures(settings, tmp_path / "before")

    passerelle(settings, "backup", str(tmp_path / "backups"))
    drilled.stop()
    shutil.rmtree(settings.root)

    (backup,) = (tmp_path / "backups").glob("passerelle-*")
    elsewhere = replace(settings_in(tmp_path / "elsewhere"), course_sources=settings.course_sources)
    said = passerelle(elsewhere, "restore", str(backup), "--into", str(elsewhere.root))
    assert "0 broken" in said
    assert "the gradebook says what the ledger says" in said
    with running(elsewhere, demo=False) as again:
        assert again.passwords == drilled.passwords
        returned = again.browser("acacia")
        assert path_of(returned) == before
        assert figures(elsewhere, tmp_path / "after") == exported
        assert (elsewhere.home("acacia") / "notes.txt").read_text() == "hers"
        once_more = submit(returned, elsewhere, f"{FINDING} And the sea.")
        wait_for(lambda: is_marked(returned, once_more), "the verdict", 30)
        assert attempt(returned, once_more)["number"] == 2
        found = json.loads(passerelle(elsewhere, "doctor", "--json"))
    assert [one for one in found if one["level"] == "broken"] == []
    assert {"ok"} == {one["level"] for one in found if one["check"] in {"hub", "integrity", "gradebook", "processes"}}
