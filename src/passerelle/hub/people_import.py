"""From a table of people to accounts: all of it or nothing; the same table twice changes nothing."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.hub.erasures import Erased, when
from passerelle.hub.passphrases import WORDS
from passerelle.hub.people_file import IN_TRACKS, PeopleFileError, Problem, Row
from passerelle.ledger import people
from passerelle.ledger.tables import Cohort, Enrolment, Pairing, Person
from passerelle.model.dates import end_of_day, start_of_day
from passerelle.model.people import Role


@dataclass
class Taken:
    """What an import did: in words, and the new people with the addresses to send links to."""

    lines: list[str] = field(default_factory=list)
    added: list[tuple[Person, str]] = field(default_factory=list)
    taken_for: list[str] = field(default_factory=list)
    """Rows without a handle that were taken for somebody who is here already."""


class Import:
    """One import in one transaction; who runs it dry undoes the transaction afterwards."""

    def __init__(
        self, session: Session, zone: ZoneInfo, at: datetime | None = None, erased: Sequence[Erased] = ()
    ) -> None:
        self._session = session
        self._erased = erased
        self._zone = zone
        self._at = at or datetime.now(UTC)
        self._taken = Taken()

    def run(self, rows: Sequence[Row]) -> Taken:
        """Take every row.

        Raises:
            PeopleFileError: with every row that cannot be; undo the transaction then.
        """
        known = self._known(rows)
        if problems := [*self._at_odds(known), *self._without_mentor(rows)]:
            raise PeopleFileError.of(problems)
        self._taken.taken_for = [
            f"line {row.line}: {row.first_name} is taken for {person.handle}, who is here already; "
            "for somebody else of this name, write a new handle"
            for row, person in known
            if person is not None and not row.handle
        ]
        self._cohorts(rows)
        persons = [(row, person or self._add(row, rows)) for row, person in known]
        # Everybody is there before anybody is paired: a mentor may stand below her mentees.
        for row, person in persons:
            for track in row.tracks:
                self._enrol(row, person, track)
        for row, person in persons:
            if row.mentor:
                self._pair(row, person)
        return self._taken

    def _say(self, line: str) -> None:
        self._taken.lines.append(line)

    def _known(self, rows: Sequence[Row]) -> list[tuple[Row, Person | None]]:
        """Return each row with the account that it is about.

        A row without a handle is somebody of this first name and role (and cohort) who is there already, as often as
        there are such people: so the same table can be run again.
        """
        named = {row.handle for row in rows if row.handle}
        like: dict[tuple[str, ...], list[Person]] = defaultdict(list)
        cohorts = defaultdict(set)
        for enrolment in self._session.scalars(select(Enrolment)):
            cohorts[enrolment.handle].add(enrolment.cohort)
        everybody = sorted(people.people(self._session), key=lambda one: (one.created, one.handle))
        for person in everybody:
            if person.handle not in named and person.closed is None:
                for cohort in cohorts[person.handle] if person.role in IN_TRACKS else {""}:
                    like[person.first_name.casefold(), person.role, cohort].append(person)
        found: list[tuple[Row, Person | None]] = []
        for row in rows:
            if row.handle:
                found.append((row, self._session.get(Person, row.handle)))
            else:
                same = like[row.first_name.casefold(), row.role, row.cohort if row.role in IN_TRACKS else ""]
                found.append((row, same.pop(0) if same else None))
        return found

    def _at_odds(self, known: Sequence[tuple[Row, Person | None]]) -> list[Problem]:
        """Return the rows that say something else of an account than we know."""
        problems = []
        for row, person in known:
            if person is None:
                # Whoever had it has an id of her own in exports that were made before.
                if row.handle and when(self._erased, row.handle) is not None:
                    problems.append(Problem(row.line, "handle", f"{row.handle} was somebody's before: choose another"))
                continue
            if person.erased is not None:
                problems.append(Problem(row.line, "handle", f"{row.handle} was somebody's before: choose another"))
            elif person.closed is not None:
                problems.append(
                    Problem(row.line, "handle", f"the account {row.handle} is closed: choose another handle")
                )
            elif person.role != row.role:
                problems.append(Problem(row.line, "role", f"{row.handle} is a {person.role} here: one role an account"))
            elif person.first_name.casefold() != row.first_name.casefold():
                what = f"{row.handle} is {person.first_name} here: write that, or another handle"
                problems.append(Problem(row.line, "first_name", what))
        return problems

    def _without_mentor(self, rows: Sequence[Row]) -> list[Problem]:
        in_table = {row.handle: row.role for row in rows}
        problems = []
        for row in rows:
            if not row.mentor or in_table.get(row.mentor) == Role.MENTOR:
                continue
            mentor = people.account(self._session, row.mentor)
            if mentor is None or mentor.role != Role.MENTOR:
                what = f"there is no mentor {row.mentor!r}: write the handle of one, or add her to this table"
                problems.append(Problem(row.line, "mentor", what))
        return problems

    def _cohorts(self, rows: Sequence[Row]) -> None:
        days: dict[str, list[date]] = defaultdict(list)
        for row in rows:
            if row.role in IN_TRACKS:
                days[row.cohort] += [row.starts] if row.starts else []
        for cohort, starts in days.items():
            if self._session.get(Cohort, cohort) is None:
                day = min(starts, default=self._at.astimezone(self._zone).date())
                people.add_cohort(self._session, cohort, cohort, start_of_day(day, self._zone))
                self._say(f"cohort {cohort}, from {day}")

    def _add(self, row: Row, rows: Sequence[Row]) -> Person:
        handle = row.handle or self._new_handle(row, {one.handle for one in rows})
        person = people.add_person(self._session, handle, row.role, row.first_name, language=row.language, at=self._at)
        self._taken.added.append((person, row.email))
        self._say(f"{handle}: {row.first_name}, {row.role}, {row.language}")
        return person

    def _new_handle(self, row: Row, named: set[str]) -> str:
        """Return a word of the list that is free and is not her name."""
        taken = named | set(self._session.scalars(select(Person.handle)))
        unused = [word for word in WORDS if word not in taken and word != row.first_name.casefold()]
        free = [word for word in unused if when(self._erased, word) is None]
        while not free:
            pair = f"{secrets.choice(WORDS)}-{secrets.choice(WORDS)}"
            free = [] if pair in taken else [pair]
        return secrets.choice(free)

    def _enrol(self, row: Row, person: Person, track: str) -> None:
        ends = end_of_day(row.ends, self._zone) if row.ends else None
        query = select(Enrolment).filter_by(handle=person.handle, cohort=row.cohort, track=track)
        there = self._session.scalars(query).first()
        if there is None:
            cohort = self._session.get_one(Cohort, row.cohort)
            starts = start_of_day(row.starts, self._zone) if row.starts else cohort.starts
            people.enrol(self._session, person.handle, row.cohort, track, starts=starts, ends=ends)
            self._say(f"{person.handle}: in {track}, cohort {row.cohort}")
        elif ends is not None and there.ends != ends:
            there.ends = ends
            self._say(f"{person.handle}: in {track} now until {row.ends}")

    def _pair(self, row: Row, person: Person) -> None:
        pairings = self._session.scalars(select(Pairing).filter_by(fellow=person.handle)).all()
        last = [one for one in pairings if one.ends is None or one.ends > self._at]
        if any(one.mentor == row.mentor for one in last):
            return
        starts = start_of_day(row.starts, self._zone) if row.starts else self._at
        ends = end_of_day(row.ends, self._zone) if row.ends else None
        people.pair(self._session, row.mentor, person.handle, starts=starts, ends=ends)
        others = ", ".join(sorted(one.mentor for one in last))
        self._say(f"{person.handle}: mentor {row.mentor}" + (f" (and {others} as before)" if others else ""))
