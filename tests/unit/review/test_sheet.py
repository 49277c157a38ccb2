"""The review sheet: whose it is, what stands on it and what never does, and its one page of paper."""

import contextlib
import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.ledger.help import dismiss
from passerelle.model.people import LANGUAGES, Role
from passerelle.model.verdict import Message
from passerelle.review import pdf
from tests.unit.review.meeting_story import ANSWER, meet, notebook, year
from tests.unit.review.programme import NOW, START, TRACK, Programme, fill, new_programme, verdict
from tests.unit.review.served import Served, serve
from tests.unit.review.test_pages import looks, said


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    made = new_programme(tmp_path_factory.mktemp("met"))
    fill(made)
    meet(made)
    _stick(made)
    yield made
    made.engine.dispose()


def _stick(programme: Programme) -> None:
    """Let Fern send D2 a third time, with the notebook of that attempt."""
    at = NOW - timedelta(hours=3)
    with ledger.session(programme.engine) as session:
        sent = receipts.take(
            session, handle="fern", sender="fern", track=TRACK, unit="d2-clean",
            parcel=notebook("d2-clean", ANSWER), token="third", at=at,
        ).id  # fmt: skip
    told = {"check-missing": Message(id="rows", args={"expected": 96, "found": 384})}
    programme.mark(
        sent, verdict("d2-clean", {"check-mean": 2.0, "check-missing": 0.0}, "b3", told), at + timedelta(seconds=2)
    )


@pytest.fixture(scope="module")
def pages(met: Programme) -> Iterator[Served]:
    with serve(met) as running:
        yield running


def words(served: Served, handle: str, path: str = "mentee/fern") -> str:
    answer = served.get(handle, path)
    assert answer.status_code == 200
    return said(answer.text).replace("\u00a0", " ")


def test_the_sheet_says_what_a_meeting_needs_her_question_first(pages: Served) -> None:
    page = words(pages, "oak")
    order = [
        "Sa question « How do I explain a join in an interview? »",
        "But A data-analyst apprenticeship in September",
        "Fait",
        "1 unité sur 5",
        "Compétences",
        "Six semaines",
        "Un point fort",
        "Ce qui bloque Nettoyer des données, Les lignes manquantes · 3 essais de suite sans tous les points",
        "96 lignes attendues, 384 trouvées.",
        "rows = orders.merge(customers)",
        "Nettoyer des données, c’est : rendre fiable un fichier brouillon.",
        "Lui demander de montrer : une ligne qu’elle a retirée, et pourquoi.",
        "En attente de notre réponse",
        "Oak : Send two job adverts",
        "Fern : Write the profile text",
        "30 minutes 3 prendre des nouvelles 5 les dernières actions 12 un de ses travaux",
    ]

    places = [page.replace("Oak:", "Oak :").replace("Fern:", "Fern :").find(one) for one in order]
    assert -1 not in places, [one for one, place in zip(order, places, strict=True) if place < 0]
    assert places == sorted(places)


def test_her_answer_is_text_and_nothing_of_the_unit_is_in_it(pages: Served) -> None:
    page = pages.get("oak", "mentee/fern").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "secret_check" not in page
    assert "other()" not in page


def test_she_reads_the_same_page_as_her_mentor(pages: Served) -> None:
    def facts(handle: str) -> str:
        page = pages.get(handle, "mentee/fern").text
        return said(page[page.index("<article") : page.index("</article>")])

    assert facts("fern") == facts("oak")


def test_her_trainer_reads_the_work_and_nothing_of_the_meetings(pages: Served) -> None:
    page = words(pages, "maple")

    assert "384 trouvées" in page
    assert "join in an interview" not in page
    assert "apprenticeship" not in page
    assert "job adverts" not in page
    assert [
        pages.get("maple", path).status_code for path in ("mentee/fern/meetings", "meeting/1", "meeting/1.ics")
    ] == [
        403,
        403,
        403,
    ]


def test_why_she_put_a_cue_aside_is_for_her_and_her_mentor_while_a_cue_lasts(programme: Programme) -> None:
    fill(programme)
    about = {"fellow": "fern", "by": "fern", "cue": "quiet"}
    with ledger.session(programme.engine) as session:
        dismiss(session, facts="a", reason="My <b>notebook</b> was away.", at=NOW - timedelta(days=27), **about)
        dismiss(session, facts="b", reason="Long ago.", at=NOW - timedelta(days=29), **about)
    with serve(programme) as served:
        readers = ("fern", "oak", "maple")
        hers, mentors, trainers = (served.get(who, "mentee/fern").text.replace("\u00a0", " ") for who in readers)

    rule = "La règle : aucun envoi depuis 10 jours"
    assert "Ce que tu as" in hers
    assert "Ce qu’elle a" in mentors
    for page in (hers, mentors):
        assert "My &lt;b&gt;notebook&lt;/b&gt; was away." in page
        assert rule in page
        assert "Long ago." not in page
    assert "was away" not in trainers


NEVER = {
    "fr": r"\b(?:rang|classement|moyenne|médiane|autres apprenantes|score|percentile)s?\b|%",
    "en": r"\b(?:rank|ranking|average|mean score|median|other fellows|peer|score|percentile)s?\b|%",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_ranked_or_compared(met: Programme, pages: Served, language: str) -> None:
    with ledger.session(met.engine) as session:
        people.set_language(session, "oak", language)
        others = [one for one in people.people(session, Role.FELLOW) if one.handle != "fern"]
        names = {name for one in others for name in (one.handle, one.first_name)}
    try:
        sheet, mentees = words(pages, "oak"), words(pages, "oak", "")
        source = pages.get("oak", "mentee/fern").text
    finally:
        with ledger.session(met.engine) as session:
            people.set_language(session, "oak", "fr")

    assert len(names) == 10
    assert ("Her question" in sheet) == (language == "en")
    assert re.findall(NEVER[language], sheet + mentees, re.IGNORECASE) == []
    assert re.findall(rf"\b(?:{'|'.join(sorted(names))})\b", source, re.IGNORECASE) == []


def test_the_page_does_not_depend_on_the_language_she_chose(met: Programme, pages: Served) -> None:
    found = []
    for language in LANGUAGES:
        with ledger.session(met.engine) as session:
            people.set_language(session, "fern", language)
        found.append(re.sub(r'name="_xsrf" value="[^"]*"', "", pages.get("oak", "mentee/fern").text))
    with ledger.session(met.engine) as session:
        people.set_language(session, "fern", "fr")
    page = found[0]

    article = page[page.index("<article") : page.index("</article>")]
    assert found[0] == found[1]
    assert not re.search(r"Français|English|anglais|français", article)


def test_without_anything_yet_the_page_says_how_to_begin(programme: Programme) -> None:
    fill(programme)
    with serve(programme) as served:
        page = words(served, "willow", "mentee/dahlia")

    assert "Pas encore écrite. Pour commencer : de quoi aimerais-tu parler aujourd’hui ?" in page
    assert "Pas encore d’envoi." in page
    assert "Rien ne bloque en ce moment." in page
    assert "Tableaux avec pandas, c’est :" in page


def test_who_looked_at_the_sheet_on_paper_is_written_down(programme: Programme) -> None:
    fill(programme)
    before = len(looks(programme, "fern"))
    with serve(programme) as served:
        statuses = {who: on_paper(served, who).status_code for who in ("oak", "willow", "linden", "basil")}

    assert statuses == {"oak": 200, "willow": 403, "linden": 403, "basil": 403}
    assert looks(programme, "fern")[:-before] == [("oak", "sheet-pdf")]


def on_paper(served: Served, handle: str) -> requests.Response:
    """Return the sheet as a PDF; the first one of a process loads WeasyPrint."""
    return served.as_(handle).get(served.url("mentee/fern.pdf"), timeout=180, allow_redirects=False)


def inside(content: bytes) -> bytes:
    """Return a PDF with its streams unpacked."""
    unpacked = [content]
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        with contextlib.suppress(zlib.error):
            unpacked.append(zlib.decompress(found[1]))
    return b"\n".join(unpacked)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_year_fits_one_page_of_paper(programme: Programme, language: str) -> None:
    year(programme)
    with ledger.session(programme.engine) as session:
        people.set_language(session, "oak", language)
    with serve(programme) as served:
        served.clock.now = START + timedelta(weeks=51)
        page = served.get("oak", "mentee/fern").text
        kept = on_paper(served, "oak")

    assert page.count("<rect") > 9 * 4, "every skill is there"
    assert page.count('class="tick"') == 4
    assert "Waiting for us" in page or "En attente" in page
    assert kept.headers["Content-Type"] == "application/pdf"
    assert len(re.findall(rb"/Type ?/Page(?!s)", inside(kept.content))) == 1


@pytest.mark.slow
def test_the_file_is_tagged_in_the_readers_language_and_the_same_each_time(pages: Served) -> None:
    files = [on_paper(pages, who).content for who in ("oak", "oak", "fern")]

    # Both read French; the file says nothing of who made it, nor when to the second.
    assert files[0] == files[1] == files[2]
    found = inside(files[0])
    assert b"/StructTreeRoot" in found
    assert b"/Lang (fr)" in found
    assert b'pdfuaid:part="1"' in found
    # Every drawing has its words.
    figures = found.count(b"/S /Figure")
    assert figures == found.count(b"/Alt") > 0


@pytest.mark.slow
def test_nothing_in_a_page_makes_the_file_fetch_anything(tmp_path: Path) -> None:
    picture = tmp_path / "secret.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>SECRET</text></svg>', "utf-8")
    begin = '<!doctype html><html lang="en"><head><title>t</title></head><body><p>Here</p>'
    with_picture = begin + f'<img alt="x" src="{picture.as_uri()}"></body></html>'

    content, _ = pdf.pdf_bytes(with_picture, "")

    assert len(content) < len(pdf.pdf_bytes(begin + "</body></html>", "")[0]) + 600
