"""Make the pictures of the mentor's guide anew, from the real pages: `python -m tests.browser.mentor_pictures FOLDER`.

The people and their work are those of the tests; the pages, their style and their words are what is served.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import Message
from tests.browser.test_pages import CHROMIUM, FLAGS
from tests.unit.review.meeting_story import meet, notebook
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, new_programme, verdict
from tests.unit.review.served import PREFIX, Served, serve

LARGEST_BYTES = 150_000
WIDTH = 900
SKILLS = {
    "tables": {"en": "read and query a table", "fr": "lire et interroger un tableau"},
    "cleaning": {"en": "clean data and account for every row", "fr": "nettoyer des données et justifier chaque ligne"},
    "charts": {"en": "draw honest charts", "fr": "tracer des graphiques honnêtes"},
}
FRENCH = {
    "A data-analyst apprenticeship in September": "Une alternance d’analyste de données en septembre",
    "We read D1 together. Next: the profile.": "Nous avons relu D1 ensemble. La suite : le profil.",
    "You led us through it.": "Tu as mené la rencontre.",
    "How do I explain a join in an interview?": "Comment expliquer une jointure en entretien ?",
    "Send two job adverts": "Envoyer deux annonces",
    "Write the profile text": "Écrire le texte du profil",
}
SHOTS = {"mentees": ("", 0), "sheet": ("mentee/fern", 0), "meeting": ("meeting/2", 1150), "notes": ("meeting/1", 1150)}
"""A picture's name: the page, and how much of its height is shown (0: all)."""


def fill_for_pictures(programme: Programme, language: str) -> None:
    """Let the tests' eight weeks happen in a course with skills, with one more attempt and its notebook."""
    units = tuple(
        unit.model_copy(update={"skills": {skill: 1.0}})
        for unit, skill in zip(COURSE.units, ("tables", "cleaning", "charts", "tables", "charts"), strict=True)
    )
    course = COURSE.model_copy(update={"skills": SKILLS, "units": units})
    (programme.settings.courses / TRACK / "course.json").write_text(course.model_dump_json(), encoding="utf-8")
    fill(programme)
    at = NOW.replace(hour=9)
    answer = "clean = prices.dropna()\nclean = clean[clean['price'] > 0]\nlen(clean)"
    with ledger.session(programme.engine) as session:
        sent = receipts.take(
            session, handle="fern", sender="fern", track=TRACK, unit="d2-clean",
            parcel=notebook("d2-clean", answer), token="picture", at=at,
        ).id  # fmt: skip
    told = {"check-missing": Message(id="rows", args={"expected": 418, "found": 421}, look="commas")}
    programme.mark(sent, verdict("d2-clean", {"check-mean": 2.0, "check-missing": 2.0}, "b1", told, key="p"), at)
    meet(programme, FRENCH if language == "fr" else None)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "cedar", starts=START)
        people.set_language(session, "oak", language)


def main(folder: Path) -> None:
    """Write a PNG a page and language, with few colours so that it is small."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as place:
                programme = new_programme(Path(place))
                fill_for_pictures(programme, language)
                with serve(programme) as served:
                    take(browser, served, language, folder)
                programme.engine.dispose()
        browser.close()


def take(browser: Browser, served: Served, language: str, folder: Path) -> None:
    """Write the pictures of a language."""
    viewport: ViewportSize = {"width": WIDTH, "height": 700}
    context = browser.new_context(viewport=viewport, color_scheme="light", locale=language)
    cookie = served.cookie("oak")
    context.add_cookies([{"name": "service-passerelle", "value": cookie, "domain": "127.0.0.1", "path": PREFIX}])
    page = context.new_page()
    for name, (path, height) in SHOTS.items():
        page.goto(served.url(path))
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        kept = shot.crop((0, 0, shot.width, min(height or shot.height, shot.height)))
        target = folder / f"mentor-{name}-{language}.png"
        kept.quantize(48, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{target}: {target.stat().st_size} bytes, at most {LARGEST_BYTES}; crop it")
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
