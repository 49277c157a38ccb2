"""Everything for her alone; wishes to be erased, agreed to by a coordinator; nothing of either for anybody else."""

import csv
import io
import json
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger import about, erasure, people, releases
from passerelle.ledger.mentoring_tables import (
    Action,
    CueDismissal,
    ErasureRequest,
    Goal,
    HelpRequest,
    Meeting,
    MeetingFeedback,
    Pause,
    Question,
    RubricMark,
)
from passerelle.ledger.tables import ManualMark, RehearsedVerdict
from passerelle.model.parcel import pack
from passerelle.review.everything import Whose, everything
from passerelle.review.i18n import Reader
from tests.unit.review.programme import NOW, TRACK, Programme, fill
from tests.unit.review.served import Served, serve

HER = "fern"
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture(scope="module")
def told(filled: Programme) -> Programme:
    """The programme after she has met her mentor, asked for help and sent a whole notebook."""
    with ledger.session(filled.engine) as session:
        meeting = Meeting(
            fellow=HER,
            mentor="oak",
            starts=NOW,
            state="held",
            uid="u1",
            made_by="oak",
            made=NOW,
            notes="We met. " + FORMULA,
        )
        session.add(meeting)
        session.flush()
        mark = session.scalars(select(ManualMark).where(ManualMark.handle == HER)).first()
        assert mark is not None
        session.add_all(
            [
                MeetingFeedback(meeting=meeting.id, author="oak", went_well="the join", next_time="earlier", at=NOW),
                Goal(handle=HER, text="an apprenticeship", at=NOW),
                Question(handle=HER, text="how do I say it?", at=NOW),
                Action(fellow=HER, mentor="oak", owner="oak", made_by=HER, text="two adverts", made=NOW),
                HelpRequest(fellow=HER, track=TRACK, words="stuck", asked=NOW, answer_by=NOW.date()),
                CueDismissal(fellow=HER, cue="quiet", facts="f", reason="I was away", by=HER, at=NOW),
                Pause(handle=HER, starts=NOW, made=NOW),
                RubricMark(mark=mark.id, criterion="clear", level="well", points=1, by="maple"),
            ]
        )
        session.flush()
        receipt = session.scalars(select(RehearsedVerdict)).first()
        assert receipt is not None
        people.log_access(session, "willow", HER, FORMULA, NOW)
        person = people.person(session, "willow")
        assert person is not None
        person.first_name = FORMULA[:20]
        page = pack({"d1-tables.html": b"<p>page</p>"})
        releases.put_feedback(session, handle=HER, track=TRACK, unit="d1-tables", timestamp="t", parcel=page)
    parcel = pack({"d1-tables.ipynb": b"{}", "data/own.csv": b"a;b"})
    from passerelle.ledger import receipts

    with ledger.session(filled.engine) as session:
        receipts.take(
            session, handle=HER, sender=HER, track=TRACK, unit="d1-tables", parcel=parcel, token="whole", at=NOW
        )
        erasure.ask(session, HER, HER, NOW)
    return filled


def archive_of(served: Served, handle: str) -> zipfile.ZipFile:
    answer = served.get(handle, "mydata/everything.zip")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_every_table_with_a_row_about_her_is_in_it_and_nobody_elses(told: Programme, served: Served) -> None:
    archive = archive_of(served, HER)

    assert archive.testzip() is None
    with ledger.reading(told.engine) as session:
        known = {table.name: list(about.all_rows_about(session, table, HER)) for table in about.tables_about()}
    kept = {name: json.loads(archive.read(f"data/{name}.json")) for name in known}
    assert {name: len(rows) for name, rows in kept.items()} == {name: len(rows) for name, rows in known.items()}
    assert {name for name, rows in kept.items() if not rows} <= {"invitation", "rehearsed_verdict", "flaky_sighting"}
    assert kept["goal"][0]["text"] == "an apprenticeship"
    whole = b"\n".join(archive.read(name) for name in archive.namelist())
    for handle in ("basil", "acacia", "cedar", "dahlia"):
        assert handle.encode() not in whole
    assert b"argon2" not in whole


def test_after_her_enrolment_ended_her_progress_is_still_in_it(programme: Programme) -> None:
    fill(programme)
    with ledger.session(programme.engine) as session:
        (hers,) = people.enrolments(session, HER, NOW)
        hers.ends = NOW - timedelta(days=9)
    with serve(programme) as pages:
        archive = archive_of(pages, HER)

    assert [name for name in archive.namelist() if name.startswith("progress/")] == [
        f"progress/{TRACK}.{kind}" for kind in ("csv", "json")
    ]
    record = json.loads(archive.read(f"progress/{TRACK}.json"))
    assert [one["fellow"] for one in record["fellows"]] == [HER]
    assert any(unit["attempts"] for unit in record["fellows"][0]["units"])


def test_her_files_are_as_she_sent_them(told: Programme, served: Served) -> None:
    archive = archive_of(served, HER)
    names = archive.namelist()

    folder = next(name for name in names if name.endswith("data/own.csv")).removesuffix("data/own.csv")
    assert archive.read(folder + "data/own.csv") == b"a;b"
    assert archive.read(folder + "d1-tables.ipynb") == b"{}"
    assert any(name.startswith("feedback/data-science/d1-tables/") for name in names)
    assert all(not name.startswith("/") and ".." not in name.split("/") for name in names)


def test_it_reads_in_her_language_and_opens_as_no_formula(told: Programme, served: Served) -> None:
    archive = archive_of(served, HER)

    readme = archive.read("README.txt").decode()
    assert "Tout ce que Passerelle garde" in readme
    assert "We met." in archive.read("meetings.txt").decode()
    looks = list(csv.reader(io.StringIO(archive.read("looks.csv").decode("utf-8-sig")), delimiter=";"))
    assert looks[0] == ["quand", "qui", "rôle", "quoi"]
    assert len(looks) > 2
    cells = [cell for row in looks for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_its_size_needs_no_memory(told: Programme) -> None:
    """20 submissions of 2 MB: never more than some of them at once."""
    from passerelle.ledger import receipts

    told.enrol("heavy")
    for number in range(20):
        content = (number.to_bytes(2, "big") + bytes(range(256)) * 4) * 2000
        with ledger.session(told.engine) as session:
            receipts.take(
                session, handle="heavy", sender="heavy", track=TRACK, unit=f"u{number}", parcel=pack({"a.bin": content}), token=f"t{number}",
            )  # fmt: skip
    whose = Whose(told.engine, "heavy", Reader("en"), NOW, lambda _: iter(()))
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in everything(whose))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > 100_000
    assert peak < 20_000_000, "the contents are 41 MB"


def test_it_is_for_a_session_of_her_own_alone(told: Programme, served: Served) -> None:
    assert served.get(None, "mydata/everything.zip").status_code == 302
    by_token = requests.get(
        served.url("mydata/everything.zip"),
        headers={"Authorization": f"token {HER}"},
        timeout=20,
        allow_redirects=False,
    )
    assert by_token.status_code == 403, "what runs in her notebook has a token of hers"
    other = archive_of(served, "oak")
    assert b"an apprenticeship" not in b"".join(other.read(name) for name in other.namelist())


# Wishes to be erased


def post(served: Served, who: str, path: str, **fields: str) -> requests.Response:
    browser = served.as_(who)
    sent = {"_xsrf": served.form_token(browser), **fields}
    return browser.post(served.url(path), data=sent, timeout=20, allow_redirects=False)


def wish_of(told: Programme, handle: str) -> ErasureRequest:
    with ledger.reading(told.engine) as session:
        found = erasure.open_request(session, handle)
    assert found is not None
    return found


@pytest.mark.parametrize("handle", ["fern", "oak", "maple"])
def test_only_a_coordinator_sees_and_agrees(told: Programme, served: Served, handle: str) -> None:
    wish = wish_of(told, HER)

    assert served.get(handle, "erasures").status_code == 403
    assert post(served, handle, "erasures", request=str(wish.id), handle=HER).status_code == 403
    assert wish_of(told, HER).agreed is None


def test_a_coordinator_agrees_by_writing_the_user_name(told: Programme, served: Served) -> None:
    wish = wish_of(told, HER)
    assert "Fern" in served.get("linden", "erasures").text

    assert post(served, "linden", "erasures", request=str(wish.id), handle="basil").status_code == 422
    assert wish_of(told, HER).agreed is None
    for forged in ("99999", "-1", "x", "1 OR 1", "²"):
        assert post(served, "linden", "erasures", request=forged, handle=HER).status_code == 404
    without_token = served.as_("linden").post(
        served.url("erasures"), data={"request": wish.id, "handle": HER}, timeout=20, allow_redirects=False
    )
    assert without_token.status_code == 403
    assert post(served, "linden", "erasures", request=str(wish.id), handle=" FERN ").status_code == 303

    agreed = wish_of(told, HER)
    assert (agreed.agreed, agreed.agreed_by) == (NOW, "linden")
    assert "within minutes" in served.get("linden", "erasures").text
