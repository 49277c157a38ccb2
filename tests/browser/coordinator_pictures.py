"""Make the pictures of the coordinator's guide anew: `python -m tests.browser.coordinator_pictures FOLDER`.

The people are those of the demo year; the pages, their style and their words are what is served.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from passerelle import ledger
from passerelle.hub import demo_texts, demo_year
from passerelle.ledger import people
from passerelle.model.people import LANGUAGES
from passerelle.model.settings import Settings
from tests.browser.test_pages import CHROMIUM, FLAGS
from tests.unit.review.programme import NOW, Programme
from tests.unit.review.served import PREFIX, Served, serve

LARGEST_BYTES = 150_000
WIDTH = 900
SHOTS = {
    "programme": ("", 0, 1500),
    "pairing": ("", 1, 620),
    "cohort": ("programme/cohort/demo-autumn", 0, 1100),
}
"""A picture's name: the page, the heading it begins at (0: its top, else a number of #without), its height."""


def main(folder: Path) -> None:
    """Write a PNG a page and language, with few colours so that it is small."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        settings = Settings(data=Path(place) / "var")
        demo_year.fill(settings, NOW)
        programme = Programme(ledger.engine(settings.database_url), settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in LANGUAGES:
            with ledger.session(programme.engine) as session:
                people.set_language(session, demo_texts.COORDINATOR, language)
            with serve(programme) as served:
                take(browser, served, language, folder)
        browser.close()
        programme.engine.dispose()


def take(browser: Browser, served: Served, language: str, folder: Path) -> None:
    """Write the pictures of a language."""
    viewport: ViewportSize = {"width": WIDTH, "height": 700}
    context = browser.new_context(viewport=viewport, color_scheme="light", locale=language)
    cookie = served.cookie(demo_texts.COORDINATOR)
    context.add_cookies([{"name": "service-passerelle", "value": cookie, "domain": "127.0.0.1", "path": PREFIX}])
    page = context.new_page()
    for name, (path, part, height) in SHOTS.items():
        page.goto(served.url(path))
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        box = page.locator("#without").bounding_box() if part else None
        top = int(box["y"]) - 20 if box else 0
        kept = shot.crop((0, top, shot.width, min(top + height, shot.height)))
        target = folder / f"coordinator-{name}-{language}.png"
        kept.quantize(32, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{target}: {target.stat().st_size} bytes, at most {LARGEST_BYTES}; crop it")
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
