"""Receipts: every submission as it came. Each is an attempt; rows are added, never changed or removed."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from passerelle.ledger import queue
from passerelle.ledger.tables import Job, ManualMark, Receipt, VerdictRow
from passerelle.model.errors import SubmissionError
from passerelle.model.verdict import CheckResult, CheckState, Verdict

AnyRow = TypeVar("AnyRow", bound=Sequence[Any])
AttemptState = Literal["waiting", "marked", "ours"]
Answer = tuple[str, str, str, str, str]
"""handle, track, unit, check, hash of the answer"""


class TokenReusedError(SubmissionError):
    """One idempotency key came with two different submissions."""

    @classmethod
    def of(cls, receipt: str) -> Self:
        """Build the error from the receipt that has the key."""
        return cls(
            f"this submission's key already belongs to receipt {receipt}, which holds something else; send it anew"
        )


@dataclass(frozen=True)
class AttemptRow:
    """One attempt with what is known of it.

    `auto` are automatic points; `manual` has every check marked by hand, with None where a person still has
    to; `points` is their known sum, None until marked. While an attempt is marked again it keeps its verdict.
    Where a trainer gave points over a machine's, `verdict` and `auto` have hers, as the gradebook does.
    """

    receipt: str
    handle: str
    track: str
    unit: str
    number: int
    received: datetime
    sha256: str
    size: int
    state: AttemptState
    verdict: Verdict | None
    auto: float | None
    manual: Mapping[str, float | None]
    points: float | None
    erased: datetime | None = None

    @property
    def waits_for_person(self) -> bool:
        """Tell whether a person still has to mark something."""
        return any(points is None for points in self.manual.values())


def take(
    session: Session,
    *,
    handle: str,
    sender: str,
    track: str,
    unit: str,
    parcel: bytes,
    token: str,
    at: datetime | None = None,
) -> Receipt:
    """Write down a submission and queue its marking, in the transaction of `session`.

    It is taken only once that is committed: tell nobody before. The same token brings the same receipt.

    Args:
        session: the transaction, committed by the caller.
        handle: whose work it is.
        sender: whom the hub's token named.
        track: nbgrader course id.
        unit: assignment name.
        parcel: the files, see model.parcel.
        token: made by the sender for one submission, so that a repeated send is one receipt.
        at: the exchange's clock.

    Raises:
        TokenReusedError: for a token that came with something else.
    """
    # Writers come one after another: numbers have no gaps.
    sha256 = hashlib.sha256(parcel).hexdigest()
    known = receipt_of_token(session, handle, token)
    if known is not None:
        if (known.track, known.unit, known.sha256) != (track, unit, sha256):
            raise TokenReusedError.of(known.id)
        return known
    here = and_(Receipt.handle == handle, Receipt.track == track, Receipt.unit == unit)
    before = session.scalar(select(func.max(Receipt.number)).where(here))
    received = at or datetime.now(UTC)
    # nbgrader knows an attempt by its moment, and a clock that went back comes by the same one again.
    while session.scalar(select(Receipt.id).where(here, Receipt.received == received)) is not None:
        received += timedelta(microseconds=1)
    receipt = Receipt(
        id=secrets.token_hex(16),
        handle=handle,
        sender=sender,
        track=track,
        unit=unit,
        received=received,
        number=(before or 0) + 1,
        sha256=sha256,
        size=len(parcel),
        content=parcel,
        token=token,
    )
    session.add(receipt)
    session.flush()
    queue.put(session, receipt.id, received)
    session.flush()
    return receipt


def receipt(session: Session, receipt_id: str) -> Receipt | None:
    """Return a receipt (its content is loaded when asked for)."""
    return session.get(Receipt, receipt_id)


def receipt_of_token(session: Session, handle: str, token: str) -> Receipt | None:
    """Return the receipt that a fellow's send with this token got."""
    return session.scalar(select(Receipt).where(Receipt.handle == handle, Receipt.token == token))


def last_unit(session: Session) -> tuple[str, str] | None:
    """Return the track and unit of the last submission; None where there is none."""
    found = session.execute(select(Receipt.track, Receipt.unit).order_by(Receipt.received.desc()).limit(1)).first()
    return None if found is None else (found.track, found.unit)


def parcel_of(session: Session, receipt_id: str) -> bytes | None:
    """Return the files of a receipt as a parcel; None where there is no such receipt or it was erased."""
    return session.scalar(select(Receipt.content).where(Receipt.id == receipt_id))


def attempts(session: Session, handle: str, track: str | None = None, unit: str | None = None) -> list[AttemptRow]:
    """Return a fellow's attempts, oldest first."""
    chosen = [Receipt.handle == handle]
    if track is not None:
        chosen.append(Receipt.track == track)
    if unit is not None:
        chosen.append(Receipt.unit == unit)
    return _attempts(session, chosen)


def attempts_of_track(
    session: Session, track: str, unit: str | None = None, *, instead: Mapping[str, Verdict] | None = None
) -> list[AttemptRow]:
    """Return everybody's attempts in a track, oldest first, in three queries whatever their number.

    `instead` has verdicts by receipt that take the place of those they have, to see what would be.
    """
    chosen = [Receipt.track == track]
    if unit is not None:
        chosen.append(Receipt.unit == unit)
    return _attempts(session, chosen, instead or {})


def attempt(session: Session, receipt_id: str) -> AttemptRow | None:
    """Return the attempt of a receipt."""
    return next(iter(_attempts(session, [Receipt.id == receipt_id])), None)


def _attempts(
    session: Session, chosen: list[ColumnElement[bool]], instead: Mapping[str, Verdict] | None = None
) -> list[AttemptRow]:
    query = (
        select(Receipt, VerdictRow, Job.state)
        .outerjoin(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .outerjoin(Job, Job.receipt == Receipt.id)
        .where(*chosen)
        .order_by(Receipt.number)
    )
    rows = _in_order(session.execute(query).all())
    marks = _known_marks(session, {row.handle for row, _, _ in rows}, {row.track for row, _, _ in rows})
    other = instead or {}
    return [_attempt(row, verdict, job, marks, other.get(row.id)) for row, verdict, job in rows]


def _in_order(rows: Iterable[AnyRow]) -> list[AnyRow]:
    """Return attempts as they came: those of a unit by number, also where the clock went back between two of them."""
    latest: dict[tuple[str, str, str], datetime] = {}
    came: list[tuple[datetime, int, AnyRow]] = []
    for row in rows:
        receipt: Receipt = row[0]
        place = (receipt.handle, receipt.track, receipt.unit)
        latest[place] = max(receipt.received, latest.get(place, receipt.received))
        came.append((latest[place], receipt.number, row))
    return [row for _, _, row in sorted(came, key=lambda one: one[:2])]


def _known_marks(session: Session, handles: Iterable[str], tracks: Iterable[str]) -> dict[Answer, float]:
    """Return the newest mark of every answer."""
    query = select(ManualMark).where(ManualMark.track.in_(tracks)).order_by(ManualMark.id)
    wanted = set(handles)
    if len(wanted) == 1:
        query = query.where(ManualMark.handle.in_(wanted))
    return {
        (mark.handle, mark.track, mark.unit, mark.check, mark.answer): mark.points for mark in session.scalars(query)
    }


def _mark(marks: Mapping[Answer, float], row: Receipt, check: str, answer: str) -> float | None:
    return marks.get((row.handle, row.track, row.unit, check, answer))


def _mark_after(marks: Mapping[Answer, float], row: Receipt, key: str, check: str, answer: str) -> float | None:
    """Return the mark for an answer; one over the verdict that stands is one over `key`, too (see `manual.follow`)."""
    found = _mark(marks, row, check, answer)
    return found if found is not None or answer != key else _mark(marks, row, check, row.verdict_key or key)


def _overridden(check: CheckResult, points: float | None) -> CheckResult:
    """Return a check with the points that a trainer gave over the machine's: a mark for the verdict's key."""
    if points is None or check.state is CheckState.BY_HAND:
        return check
    full = points >= check.max_points
    state = CheckState.PASSED if full else CheckState.PARTIAL if points > 0 else CheckState.MISSED
    return check.model_copy(update={"points": points, "state": state, "messages": () if full else check.messages})


def _attempt(
    row: Receipt,
    found: VerdictRow | None,
    job: str | None,
    marks: Mapping[Answer, float],
    instead: Verdict | None = None,
) -> AttemptRow:
    stored = Verdict.model_validate(found.record) if found is not None and found.erased is None else None
    verdict = instead or stored
    manual: dict[str, float | None] = {}
    if verdict is not None:
        mine = partial(_mark_after, marks, row, verdict.key)
        for check, answer in verdict.manual_answers.items():
            # An answer left blank waits for nobody; a trainer may give it points all the same.
            manual[check] = mine(check, answer) if answer is not None else mine(check, verdict.key) or 0.0
        verdict = verdict.model_copy(
            update={"checks": tuple(_overridden(check, mine(check.place, verdict.key)) for check in verdict.checks)}
        )
    auto = verdict.points if verdict is not None else None
    state: AttemptState = "marked" if verdict is not None else "ours" if job == queue.OURS else "waiting"
    return AttemptRow(
        receipt=row.id,
        handle=row.handle,
        track=row.track,
        unit=row.unit,
        number=row.number,
        received=row.received,
        sha256=row.sha256,
        size=row.size,
        state=state,
        verdict=verdict,
        auto=auto,
        manual=dict(manual),
        points=None if auto is None else auto + sum(points for points in manual.values() if points is not None),
        erased=row.erased,
    )
