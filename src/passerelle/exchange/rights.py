"""Who may do what: looked up in the ledger at every request, for the name that the hub gave."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from passerelle.exchange.errors import ApiError
from passerelle.ledger import people
from passerelle.model.people import Role, course_user

COURSE = "course"
"""The role of `course-<track>`, a track's formgrader server, which is no person."""


class Part(StrEnum):
    """What somebody is in a track."""

    FELLOW = "fellow"
    STAFF = "staff"  # its trainers and its formgrader server


@dataclass(frozen=True)
class Caller:
    """Whom the hub named, with what the ledger knows of her at this moment."""

    name: str
    role: str | None
    language: str
    tracks: tuple[str, ...]
    ended: tuple[str, ...] = ()
    """Tracks in which she was enrolled, and is no more."""

    def part_in(self, track: str) -> Part | None:
        """Return what the caller is in a track, None where she has no part in it."""
        if self.name == course_user(track):
            return Part.STAFF
        if track not in self.tracks:
            return None
        return {Role.FELLOW: Part.FELLOW, Role.TRAINER: Part.STAFF}.get(Role(self.role)) if self.role else None

    def may_read(self, handle: str, track: str) -> bool:
        """Tell whether the caller may read what somebody sent in a track: her own, and her track's staff."""
        return handle == self.name or self.part_in(track) is Part.STAFF

    def must_be_in(self, track: str) -> Part:
        """Return the caller's part in a track.

        Raises:
            ApiError: 403 where she has none.
        """
        part = self.part_in(track)
        if part is None and track in self.ended:
            raise ApiError.of(403, "enrolment-ended", track=track)
        if part is None:
            raise ApiError.of(403, "not-enrolled", track=track)
        return part

    def must_be(self, part: Part, track: str) -> None:
        """Let nobody pass who is not this in the track (403)."""
        if self.must_be_in(track) is not part:
            raise ApiError.of(403, "not-yours")


def caller(session: Session, name: str, language: str, at: datetime) -> Caller:
    """Look a name up; `language` is what to speak with somebody whom the ledger does not know."""
    somebody = people.account(session, name)
    if somebody is not None:
        tracks = tuple(people.tracks_of(session, name, at))
        return Caller(name, somebody.role, somebody.language, tracks, tuple(people.ended_tracks(session, name, at)))
    prefix = course_user("")
    if name.startswith(prefix):
        return Caller(name, COURSE, language, (name.removeprefix(prefix),))
    return Caller(name, None, language, ())
