"""Submissions in, receipts out; feedback pages of nbgrader's kind."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from passerelle.exchange.errors import ApiError
from passerelle.exchange.handler import PARCEL_BODY, ApiHandler
from passerelle.exchange.rights import Part
from passerelle.exchange.stamp import is_timestamp, timestamp
from passerelle.exchange.submission import check_submission, released_answers
from passerelle.ledger import people, receipts, releases
from passerelle.ledger.receipts import AttemptRow, TokenReusedError
from passerelle.ledger.room import NoRoomError, must_have_room
from passerelle.ledger.tables import Receipt
from passerelle.model.parcel import ParcelError, pack, unpack
from passerelle.model.people import Role

KEY_HEADER = "Idempotency-Key"
TIMESTAMP_HEADER = "X-Passerelle-Timestamp"
_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}")
_answers_of: dict[str, frozenset[str]] = {}
"""The keys of the answer cells of releases, by their hash."""


def is_key(key: str) -> bool:
    """Tell whether something can name one send of somebody's."""
    return _KEY.fullmatch(key) is not None


class SubmissionsHandler(ApiHandler):
    """`api/submissions/<track>/<unit>`: a fellow submits; she, or the course, lists what was submitted."""

    max_body: ClassVar[int] = PARCEL_BODY

    async def post(self, track: str, unit: str) -> None:
        """Take a submission. The answer is sent once the receipt is on the disk."""
        self.caller.must_be(Part.FELLOW, track)
        key = self.request.headers.get(KEY_HEADER, "")
        if not is_key(key):
            raise ApiError.of(400, "bad-key")
        parcel, handle = self.whole_body(), self.caller.name

        def must_be_welcome(session: Session, at: datetime) -> str | None:
            """Return the hash of the unit's release, None for a send that has its receipt already."""
            if receipts.receipt_of_token(session, handle, key) is not None:
                return None
            release = releases.newest_release(session, track, unit)
            if release is None:
                raise ApiError.of(404, "not-released", unit=unit, track=track)
            try:
                must_have_room(session, handle, at)
            except NoRoomError as error:
                raise ApiError.too_much(error.fault, error.wait.total_seconds(), **error.facts) from error
            return release.sha256

        def take(session: Session) -> Receipt:
            at = self.context.clock()
            must_be_welcome(session, at)
            return receipts.take(
                session,
                handle=handle,
                sender=handle,
                track=track,
                unit=unit,
                parcel=parcel,
                token=key,
                at=at,
            )

        released = await self.reading(lambda session: must_be_welcome(session, self.context.clock()))
        if released is not None:
            await self._check(track, unit, parcel, released)
        try:
            receipt = await self.writing(take)
        except TokenReusedError as error:
            raise ApiError.of(409, "key-reused") from error
        self.context.wake_marking(b"mark")
        self.send_json(_receipt(receipt), 201)

    async def _check(self, track: str, unit: str, parcel: bytes, released: str) -> None:
        # A notebook of 20 MB may take ten times as much to read: one at a time.
        async with self.context.checking:
            found = await asyncio.to_thread(check_submission, unit, parcel)
        if released not in _answers_of:
            await self.reading(lambda session: _note_answers(session, track, unit))
        expected = _answers_of.get(released, frozenset())
        if expected and not found & expected:
            raise ApiError.of(422, "no-answers", notebook=f"{unit}.ipynb")

    async def get(self, track: str, unit: str | None = None) -> None:
        """List the caller's submissions, or everybody's for the course (`?all=1`), oldest first."""
        part = self.caller.must_be_in(track)
        everybody = self.get_query_argument("all", "") == "1"
        if everybody:
            self.caller.must_be(Part.STAFF, track)
        handle = self.caller.name

        def listed(session: Session) -> list[dict[str, Any]]:
            if everybody:
                attempts = receipts.attempts_of_track(session, track, unit)
            else:
                attempts = receipts.attempts(session, handle, track, unit)
            released = releases.feedback_released(session, track, unit, None if everybody else handle)
            return _listed(attempts, released)

        self.send_json(await self.reading(listed) if everybody or part is Part.FELLOW else [])


class SubmissionFilesHandler(ApiHandler):
    """`api/submissions/<receipt>/files`: what was submitted, for whose it is and for the course."""

    async def get(self, receipt_id: str) -> None:
        """Send the files as they came."""

        def found(session: Session) -> tuple[Receipt, bytes | None] | None:
            receipt = receipts.receipt(session, receipt_id)
            return (receipt, receipt.content) if receipt is not None else None

        pair = await self.reading(found)
        # One answer for «there is none» and «it is somebody else's»: nobody learns which.
        if pair is None or not self.caller.may_read(pair[0].handle, pair[0].track):
            raise ApiError.of(404, "not-found")
        receipt, content = pair
        if content is None:
            raise ApiError.of(410, "not-found")
        self.send_parcel(content, receipt.unit)


class FeedbackHandler(ApiHandler):
    """`api/feedback/<track>/<unit>/<handle>`: nbgrader's feedback pages."""

    max_body: ClassVar[int] = PARCEL_BODY

    async def get(self, track: str, unit: str, handle: str) -> None:
        """Send all of a fellow's feedback at a unit: `<timestamp>/<notebook>.html`."""
        part = self.caller.must_be_in(track)
        if handle != self.caller.name and part is not Part.STAFF:
            raise ApiError.of(403, "not-yours")

        def packed(session: Session) -> bytes:
            pages: dict[str, bytes] = {}
            for feedback in releases.feedback_of(session, handle, track, unit):
                for name, content in unpack(feedback.content or pack({})).items():
                    pages[f"{feedback.timestamp}/{name}"] = content
            return pack(pages)

        self.send_parcel(await self.reading(packed), f"{unit}-feedback")

    async def put(self, track: str, unit: str, handle: str) -> None:
        """Release feedback pages for the submission of a timestamp, for the track's trainers."""
        self.caller.must_be(Part.STAFF, track)
        stamp = self.request.headers.get(TIMESTAMP_HEADER, "")
        if not is_timestamp(stamp):
            raise ApiError.of(400, "bad-request", what=TIMESTAMP_HEADER)
        parcel, at = self.whole_body(), self.context.clock()

        def put(session: Session) -> None:
            try:
                unpack(parcel)
            except ParcelError as fault:
                raise ApiError.from_parcel(fault) from fault
            if not people.has_role_in(session, handle, track, Role.FELLOW, at):
                raise ApiError.of(404, "not-found")
            releases.put_feedback(session, handle=handle, track=track, unit=unit, timestamp=stamp, parcel=parcel, at=at)

        await self.writing(put)
        self.send_json({"handle": handle, "unit": unit, "timestamp": stamp, "released": at.isoformat()}, 201)


def _note_answers(session: Session, track: str, unit: str) -> None:
    newest = releases.newest_release(session, track, unit)
    if newest is not None:
        _answers_of[newest.sha256] = released_answers(unit, newest.files)


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "receipt": receipt.id,
        "track": receipt.track,
        "unit": receipt.unit,
        "received": receipt.received.isoformat(),
        "timestamp": timestamp(receipt.received),
        "sha256": receipt.sha256,
        "number": receipt.number,
    }


class TrackSubmissionsHandler(SubmissionsHandler):
    """`api/submissions/<track>`: the same lists, of all units."""

    SUPPORTED_METHODS = ("GET",)


def _listed(attempts: list[AttemptRow], released: Mapping[tuple[str, str, str], datetime]) -> list[dict[str, Any]]:
    return [
        {
            "receipt": attempt.receipt,
            "handle": attempt.handle,
            "track": attempt.track,
            "unit": attempt.unit,
            "number": attempt.number,
            "received": attempt.received.isoformat(),
            "timestamp": timestamp(attempt.received),
            "sha256": attempt.sha256,
            "size": attempt.size,
            "state": attempt.state,
            "points": attempt.points,
            "feedback": _iso(released.get((attempt.handle, attempt.unit, timestamp(attempt.received)))),
        }
        for attempt in attempts
        if attempt.erased is None
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
