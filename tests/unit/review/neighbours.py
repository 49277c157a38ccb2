"""Everybody the table of walls has a column for, with the pages served: who may look at whom, without a hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from passerelle import ledger
from passerelle.ledger import people, receipts
from passerelle.ledger.mentoring_tables import Meeting
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from tests.attacks.town import COURSE as COURSE_USER
from tests.attacks.town import (
    ELSEWHERE,
    ENDED,
    HER,
    IN_THE_OTHER_COHORT,
    NO_NUMBER,
    OTHER_COHORT,
    OTHER_TRACK,
    PEER,
    PEOPLE,
    UNIT,
)
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, new_programme
from tests.unit.review.served import Served, serve


def _add_people(programme: Programme) -> None:
    programme.enrol(HER, PEER)
    programme.enrol("maple", role=Role.TRAINER)
    programme.enrol("oak", "willow", ENDED, role=Role.MENTOR)
    programme.enrol("linden", role=Role.COORDINATOR)
    with ledger.session(programme.engine) as session:
        people.add_cohort(session, "other", "Other", START)
        for handle, (role, track) in IN_THE_OTHER_COHORT.items():
            people.add_person(session, handle, role, handle.title(), at=START)
            people.enrol(session, handle, "other", track, starts=START)
        for mentor, fellow in (("oak", HER), ("oak", PEER)):
            people.pair(session, mentor, fellow, starts=START)
        people.pair(session, ENDED, HER, starts=START, ends=NOW - timedelta(days=1))


def _known(programme: Programme) -> dict[str, str]:
    known = {"no receipt": "ab" * 16, "no one": "nobody-here", "no meeting": NO_NUMBER, "cohort": "other"}
    with ledger.session(programme.engine) as session:
        of = {"": HER, "peer ": PEER, "cohort ": OTHER_COHORT, "elsewhere ": ELSEWHERE}
        for name, fellow in of.items():
            track = OTHER_TRACK if fellow == ELSEWHERE else TRACK
            parcel = pack({"a.txt": b"a"})
            known[f"{name}receipt"] = receipts.take(
                session, handle=fellow, sender=fellow, track=track, unit=UNIT, parcel=parcel, token="t" * 8, at=NOW
            ).id
        pairs = (("", HER, "oak"), ("ended ", HER, ENDED), ("elsewhere ", ELSEWHERE, "willow"))
        for name, fellow, mentor in pairs:
            row = Meeting(
                fellow=fellow, mentor=mentor, starts=NOW + timedelta(days=1), state="planned", uid=f"{name}uid",
                made_by=fellow, made=NOW,
            )  # fmt: skip
            session.add(row)
            session.flush()
            known[f"{name}meeting"] = str(row.id)
    return {**known, **PEOPLE, "course": COURSE_USER, "track": TRACK, "other track": OTHER_TRACK, "unit": UNIT}


@contextmanager
def neighbours(folder: Path) -> Iterator[tuple[Served, dict[str, str], Programme]]:
    """Serve them: her, a peer, a fellow of another track, mentors, trainers, a coordinator; and what the ids are."""
    programme = new_programme(folder)
    other = programme.settings.courses / OTHER_TRACK
    other.mkdir()
    (other / "course.json").write_text(COURSE.model_dump_json().replace(TRACK, OTHER_TRACK), encoding="utf-8")
    _add_people(programme)
    programme.release(UNIT)
    known = _known(programme)
    with serve(programme) as served:
        yield served, known, programme
    programme.engine.dispose()
