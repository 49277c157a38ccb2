"""Makes the pictures of the three pattern units in docs/pictures anew, from the real thing: `make pictures`.

Each unit is opened in JupyterLab in both languages, on a computer and on a telephone, with one named wrong answer in it
and the others right; the first page beside its preview; an error explained.
"""

import io
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.proof.submissions import Release, reference_answers
from passerelle_lab.unit_folder import place
from tests.browser.fellow_lab import WAIT_MS, bar, button, cell, close_kernels, hers, open_unit
from tests.fellow_server import ROOT, Exchange, exchange_server, lab_server

COLOURS = 96
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 740}
SAID = {
    "en": {"restart": "Restart and check", "preview": "Preview"},
    "fr": {"restart": "Relancer et vérifier", "preview": "Aperçu"},
}


@dataclass(frozen=True)
class Shown:
    """A unit, the wrong answer that is shown in it, and a line of the check that says so."""

    track: str
    unit: str
    wrong: str
    check: str

    @property
    def source(self) -> Path:
        return ROOT / "courses" / self.track

    def files(self, course: Path) -> dict[str, bytes]:
        """Return the unit's files with the wrong answer in its notebook, built at `course`."""
        build_course(self.source, course, units=(self.unit,))
        wrong = (self.source / "units" / self.unit / "wrong" / f"{self.wrong}.toml").read_text("utf-8")
        answers = reference_answers(read_unit(self.source, self.unit)) | tomllib.loads(wrong)["answers"]
        return Release.read(generate(course, self.unit)).submission(answers)


UNITS = (
    Shown("data-science", "d1-tables", "codes-read-as-numbers", "part-read-codes"),
    Shown("web-dev", "w1-first-page", "click-here", "_page.links(at_least=3)"),
    Shown("cybersecurity", "c2-passwords", "cost-for-a-quick-test", "enough_cost(_first"),
)
ERROR = "average = 3\naverege"
SCRIPT = """

<script>
  const name = "Camille";
  document.title = nom;
</script>"""


def keep(page: Page, into: Path, name: str) -> None:
    """Write what is to be seen, with few colours."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(into / f"{name}.png", optimize=True)
    print(f"{name}.png", (into / f"{name}.png").stat().st_size, flush=True)


def seen(page: Page, place: Locator) -> None:
    """Bring a place into the middle, and let the page come to rest: cells above it grow while they are drawn."""
    page.mouse.move(0, 0)
    for _ in range(4):
        place.evaluate("node => node.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(500)


def of_unit(page: Page, shown: Shown, language: str, into: Path) -> None:
    """Take the pictures of one unit in one language."""
    button(page, SAID[language]["restart"]).click()
    expect(button(page, SAID[language]["restart"])).to_have_count(0)
    expect(button(page, SAID[language]["restart"])).to_be_visible(timeout=3 * WAIT_MS)
    check = cell(page, shown.check)
    for width, suffix in ((WIDE, ""), (NARROW, "-phone")):
        page.set_viewport_size(width)  # type: ignore[arg-type]  # a plain dictionary is what it takes
        seen(page, check.locator(".jp-Cell-outputArea"))
        keep(page, into, f"{shown.unit}{suffix}-{language}")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    if shown.unit.startswith("w1"):
        answer = cell(page, "%%writefile index.html")
        button(page, SAID[language]["preview"]).click()
        answer.locator(".cm-content").click()
        page.keyboard.press("ControlOrMeta+End")
        page.keyboard.insert_text(SCRIPT)
        page.keyboard.press("Home")  # the beginnings of the lines are what one reads
        expect(page.locator(".passerelle-preview").get_by_role("listitem")).to_have_count(1)
        seen(page, answer)
        keep(page, into, f"preview-{language}")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        seen(page, answer)
        keep(page, into, f"preview-phone-{language}")
    if shown.unit.startswith("d1"):
        practice = cell(page, "latitudes = few")
        practice.locator(".cm-content").click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(ERROR)
        page.keyboard.press("Control+Enter")
        output = cell(page, "averege").locator(".jp-Cell-outputArea")
        expect(output.locator("details")).to_be_visible()
        for width, suffix in ((WIDE, ""), (NARROW, "-phone")):
            page.set_viewport_size(width)  # type: ignore[arg-type]
            seen(page, output)
            keep(page, into, f"explained{suffix}-{language}")


@contextmanager
def opened(browser: Browser, address: str, shown: Shown, language: str) -> Iterator[Page]:
    """Open a unit in a language."""
    context = browser.new_context(viewport=WIDE, locale={"en": "en-GB", "fr": "fr-FR"}[language])  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_MS)
    context.request.put(f"{address}passerelle/language", data={"language": language}, headers=hers())
    page = context.new_page()
    open_unit(page, address, f"{shown.track}/{shown.unit}/{shown.unit}.ipynb")
    expect(bar(page)).to_be_visible()
    yield page
    close_kernels(page, address)
    context.close()


def take(into: Path, units: Sequence[Shown]) -> None:
    """Take the pictures of these units."""
    expect.set_options(timeout=WAIT_MS)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        room = Path(name)
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        with (
            exchange_server(Exchange()) as api,
            lab_server(room, api, pages="/services/passerelle/") as address,
        ):
            for shown in units:
                files = shown.files(room / "built" / shown.track)
                for language in SAID:
                    shutil.rmtree(room / "home" / shown.track, ignore_errors=True)
                    place(room / "home", shown.track, shown.unit, files, language)
                    with opened(browser, address, shown, language) as page:
                        of_unit(page, shown, language, into)
        browser.close()


if __name__ == "__main__":
    wanted = sys.argv[2:]
    take(Path(sys.argv[1]), [one for one in UNITS if not wanted or one.unit in wanted])
