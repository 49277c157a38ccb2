"""Notices what trainers have marked since the last look, in formgrader and on our own pages."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading.gradebook import MarkedCell, OwnWrite, fingerprint
from passerelle.grading.manual import sync_changed_marks
from passerelle.ledger import manual
from passerelle.model.errors import ServiceError

LOOK_EVERY_S = 1.0
SHARE = 0.02
"""What looking may take of a busy marker's time. Each of its own records changes the gradebook, too."""

log = logging.getLogger("passerelle.marking")


class Noticer:
    """Copies marks into the ledger; tells whose changed."""

    def __init__(self, engine: Engine, courses: Callable[[], Mapping[str, Path]]) -> None:
        self._engine, self._courses = engine, courses
        self._seen: dict[str, tuple[int, ...]] = {}
        self._given: dict[str, frozenset[MarkedCell]] = {}
        self._last_marks: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._not_before = 0.0

    def look(self, *, idle: bool) -> set[tuple[str, str, str]]:
        """Return (track, handle, unit) of what changed; a marker that is not idle looks now and then."""
        began = monotonic()
        if not idle and began < self._not_before:
            return set()
        changed = {
            (track, *who) for track, course_dir in self._courses().items() for who in self._changed(track, course_dir)
        }
        ended = monotonic()
        self._not_before = ended + max(LOOK_EVERY_S, (ended - began) / SHARE)
        return changed

    def _changed(self, track: str, course_dir: Path) -> set[tuple[str, str]]:
        try:
            now = fingerprint(course_dir)
            if self._seen.get(track, ()) == now:
                return set()
            with ledger.session(self._engine) as session:
                last = self._last_marks.get(track)
                # Those of our own page are in the ledger already; at the start everything is looked at anyway.
                newer = manual.marked_after(session, track, last)[0] if last is not None else set()
                before = self._given.get(track)
                changed, given = sync_changed_marks(course_dir, session, before, newer, track=track)
                copied, now_last = manual.marked_after(session, track, last or 0)
                changed |= copied if last is not None else set()
        except ServiceError as error:
            if self._said.get(track) != str(error):  # once, not every second
                log.warning("manual marks of %s wait: %s", track, error)
            self._said[track] = str(error)
            return set()
        self._said.pop(track, None)
        self._seen[track], self._given[track], self._last_marks[track] = now, given, now_last
        return changed

    def wrote(self, track: str, own: OwnWrite) -> None:
        """Take what a record of ours made of a gradebook as seen, where nobody else has written beside it."""
        if own.after and own.before == self._seen.get(track):
            self._seen[track] = own.after
