"""nbgrader's feedback page says what the checks found in its fellow's language, whichever her notebook was in."""

import json
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.grading.worker import Worker, courses_of
from passerelle.ledger import people, receipts
from passerelle.ledger.releases import feedback_of
from passerelle.model.parcel import pack, unpack
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.proof.submissions import Release, reference_answers
from tests.ledgers import new_ledger

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[2] / "courses" / "data-science"
UNIT = "d1-tables"
WRONG = {
    # Half the points: what was found stands beside a number.
    "answer-profile": "def profile(table, region):\n"
    "    rows = table[table['region'] == region]['population']\n"
    "    largest = table.loc[table['population'].idxmax(), 'town']\n"
    "    return {'towns': len(rows), 'people': rows.sum(), 'median': rows.median(), 'largest': largest}",
    # No points.
    "answer-share": "share = 32",
    # What she wrote is said back to her.
    "answer-large": "def large_towns(table, minimum):\n"
    "    raise ValueError('<script>alert(1)</script><img src=x onerror=alert(2)>')",
}
SAID = {
    "en": ["On a new table, `largest` is not the town of the region", "Look at: what you divide, and by what."],
    "fr": ["Avec un nouveau tableau, `largest` n’est pas la ville de la région", "ce que tu divises, et par quoi."],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The feedback page of two fellows, each with the notebook in the language that is not hers."""
    settings = Settings(data=tmp_path_factory.mktemp("data"), learner=Path(sys.prefix))
    course_dir = settings.courses / "data-science"
    build_course(SOURCE, course_dir, units=(UNIT,))
    released = Release.read(generate(course_dir, UNIT))
    files = released.submission(reference_answers(read_unit(SOURCE, UNIT)) | WRONG)
    new_ledger(settings.database_url)
    engine = ledger.engine(settings.database_url)
    for handle, hers, notebook in (("acacia", "fr", "en"), ("basil", "en", "fr")):
        sent = json.loads(files[f"{UNIT}.ipynb"])
        sent["metadata"]["passerelle"]["language"] = notebook
        parcel = pack(files | {f"{UNIT}.ipynb": json.dumps(sent).encode()})
        with ledger.session(engine) as session:
            people.add_person(session, handle, Role.FELLOW, "Somebody", language=hers)
            receipts.take(
                session, handle=handle, sender=handle, track="data-science", unit=UNIT, parcel=parcel, token=handle
            )
    worker = Worker(engine, lambda: courses_of(settings), settings.learner)
    for _ in range(200):
        if not worker.step():
            break
    made = {}
    with ledger.reading(engine) as session:
        for language, handle in (("fr", "acacia"), ("en", "basil")):
            (feedback,) = feedback_of(session, handle, "data-science", UNIT)
            made[language] = unpack(feedback.content or b"")[f"{UNIT}.html"].decode()
    yield made
    engine.dispose()


def words(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize(("hers", "other"), [("fr", "en"), ("en", "fr")])
def test_the_checks_speak_her_language(pages: dict[str, str], hers: str, other: str) -> None:
    assert [said for said in SAID[hers] if said not in words(pages[hers])] == []
    assert [said for said in SAID[other] if said in words(pages[hers])] == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_she_wrote_is_said_back_as_text(pages: dict[str, str], language: str) -> None:
    colon = {"fr": "\N{NO-BREAK SPACE}:", "en": ":"}[language]

    assert f"ValueError{colon} <script>alert(1)</script><img src=x onerror=alert(2)>" in words(pages[language])
    assert "<img" not in pages[language]
    assert "<script>alert" not in pages[language]
