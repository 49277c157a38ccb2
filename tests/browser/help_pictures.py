"""Make the pictures of the fellow's and the trainer's guides anew: `python -m tests.browser.help_pictures FOLDER`.

The pages are the real ones, over the unit D1 as it is built; the people and their words are invented.
"""

import hashlib
import io
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat
from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from passerelle import ledger
from passerelle.courses import build_course, unit_source
from passerelle.ledger import help as asking
from passerelle.ledger import mentoring, people, queue, receipts
from passerelle.ledger.tables import Receipt
from passerelle.model.course import Course
from passerelle.model.parcel import pack
from passerelle.model.people import LANGUAGES, Role
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict
from tests.browser.test_pages import CHROMIUM, FLAGS
from tests.unit.review.programme import NOW, START, TRACK, Programme, new_programme
from tests.unit.review.served import PREFIX, Served, serve

UNIT, MANUAL = "d1-tables", "answer-finding"
COURSES = Path(__file__).parents[2] / "courses"
PARIS = ZoneInfo("Europe/Paris")
LARGEST_BYTES = 150_000
WIDTH = 900
SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "why": "My function gives the right rows for `towns`, and other rows in the check.",
        "answer": "01 is a name: read as a number it would lose its 0. Look at `dtype` where you load the file.",
        "code": "Why is 01 a text?",
        "finding": "In Bretagne the file has **12 towns**, and the largest is Rennes.",
        "goal": "A data-analyst apprenticeship in September",
        "question": "How do I explain a join in an interview?",
    },
    "fr": {
        "why": "Ma fonction donne les bonnes lignes pour `towns`, et d’autres dans la vérification.",
        "answer": "01 est un nom : lu comme un nombre, il perdrait son 0. Regarde `dtype` là où tu charges le fichier.",
        "code": "Pourquoi 01 est-il un texte ?",
        "finding": "En Bretagne, le fichier a **12 villes**, et la plus grande est Rennes.",
        "goal": "Une alternance d’analyste de données en septembre",
        "question": "Comment expliquer une jointure en entretien ?",
    },
}
SHOTS = {
    "fellow-path": ("fern", "", 0, 0),
    "fellow-help": ("fern", f"help/{TRACK}?unit={UNIT}&check=check-large", 0, 0),
    "trainer-queue": ("maple", "queue", 0, 1100),
    "trainer-mark": ("maple", "", 0, 0),
    "trainer-stuck": ("maple", f"stuck-where/{TRACK}", 0, 620),
}
"""A picture's name: who looks, the page, and from where to where it is shown (0: all)."""


def story(programme: Programme, language: str) -> str:
    """Let five fellows work at D1, ask, and write an answer to mark; return the page on which it is marked."""
    said = SAID[language]
    course_dir = programme.settings.courses / TRACK
    course = build_course(COURSES / TRACK, course_dir)
    programme.enrol("fern", "cedar", "basil", "acacia", "dahlia", language=language)
    programme.enrol("maple", "alder", role=Role.TRAINER, language=language)
    programme.enrol("oak", role=Role.MENTOR, language=language)
    programme.release(UNIT, at=NOW - timedelta(days=20))
    for number, handle in enumerate(("cedar", "basil", "acacia", "dahlia")):
        _sent(programme, course, handle, said["finding"], NOW - timedelta(days=3, hours=number), missed=number < 3)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START)
        mentoring.set_goal(session, "fern", said["goal"], NOW)
        mentoring.ask(session, "fern", said["question"], NOW)
        asked = [
            asking.ask(
                session, fellow=who, track=TRACK, unit=UNIT, check=check, words=said[words], token=f"picture-{check}",
                at=NOW - timedelta(hours=hours), zone=PARIS,
            ).id
            for who, check, words, hours in (
                ("fern", "check-read", "code", 70), ("fern", "check-large", "why", 4), ("basil", "check-share", "why", 90),
            )
        ]  # fmt: skip
        asking.answer(session, asked[0], said["answer"], tracks=[TRACK], by="maple", at=NOW - timedelta(hours=50))
        asking.take(session, asked[2], tracks=[TRACK], by="alder", at=NOW)
        newest = session.query(Receipt).filter(Receipt.handle == "cedar").one()
    return f"mark/{newest.id}/{MANUAL}"


def _sent(programme: Programme, course: Course, handle: str, finding: str, at: datetime, *, missed: bool) -> None:
    """Take and mark an attempt at D1 whose answer by hand is a finding."""
    made = unit_source(programme.settings.courses / TRACK, UNIT)
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == MANUAL:
            cell.source = finding
    with ledger.session(programme.engine) as session:
        sent = receipts.take(
            session, handle=handle, sender=handle, track=TRACK, unit=UNIT, token=f"picture-{handle}",
            parcel=pack({f"{UNIT}.ipynb": nbformat.writes(made).encode()}), at=at,
        )  # fmt: skip
        checks = tuple(
            CheckResult(
                key=card.key,
                points=0 if card.manual or (missed and card.key.startswith("check-large")) else card.points,
                max_points=card.points,
                state=CheckState.BY_HAND if card.manual else CheckState.PASSED,
            )
            for card in course.unit(UNIT).card.checks
        )
        verdict = Verdict(
            key=f"picture-{handle}", unit=UNIT, version="1", engine="picture", outcome=Outcome.MARKED, checks=checks,
            manual_answers={MANUAL: hashlib.sha256(finding.encode()).hexdigest()}, seconds=2.0,
        )  # fmt: skip
        queue.give_verdict(session, sent, queue.keep_verdict(session, TRACK, verdict, NOW))
        job = session.query(queue.Job).filter(queue.Job.receipt == sent.id).one()
        job.state, job.done = queue.DONE, NOW


def main(folder: Path) -> None:
    """Write a PNG a page and language, with few colours so that it is small."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as place:
                programme = new_programme(Path(place))
                page = story(programme, language)
                with serve(programme) as served:
                    take(browser, served, language, folder, page)
                programme.engine.dispose()
        browser.close()


def take(browser: Browser, served: Served, language: str, folder: Path, to_mark: str) -> None:
    """Write the pictures of a language."""
    viewport: ViewportSize = {"width": WIDTH, "height": 700}
    for name, (who, path, top, bottom) in SHOTS.items():
        context = browser.new_context(viewport=viewport, color_scheme="light", locale=language)
        cookie = served.cookie(who)
        context.add_cookies([{"name": "service-passerelle", "value": cookie, "domain": "127.0.0.1", "path": PREFIX}])
        page = context.new_page()
        page.goto(served.url(to_mark if name == "trainer-mark" else path))
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        kept = shot.crop((0, top, shot.width, min(bottom or shot.height, shot.height)))
        target = folder / f"{name}-{language}.png"
        kept.quantize(48, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{target}: {target.stat().st_size} bytes, at most {LARGEST_BYTES}; crop it")
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
