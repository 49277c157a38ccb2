"""What is to be marked: one job a receipt, leased to one marker at a time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from passerelle.ledger import manual
from passerelle.ledger.mentoring_tables import VerdictCheck
from passerelle.ledger.reasons import ENDED
from passerelle.ledger.tables import FlakySighting, Job, Receipt, VerdictRow
from passerelle.model.verdict import Outcome, Verdict

QUEUED, LEASED, DONE, OURS = "queued", "leased", "done", "ours"
NOT_DONE = (QUEUED, LEASED, OURS)
"""Asked for by name: an index finds these few, and what is not done could be any row of a year."""
FAIR_WITHIN = timedelta(minutes=10)
LOST_TRIES = 3
"""After so many markers have died over a job it rests, as one that met a fault of ours."""
RETRY_AFTER = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""How long a job that met a fault of ours rests before its 2nd, 3rd … try; the last one repeats."""


@dataclass(frozen=True)
class Lease:
    """A job that is ours to mark until `until`, with the facts of its receipt."""

    job: int
    receipt: str
    handle: str
    track: str
    unit: str
    number: int
    received: datetime
    until: datetime
    tries: int
    reason: str | None = None
    """Why it is not the first try, where a fault of ours came before."""


def put(session: Session, receipt: str, at: datetime) -> None:
    """Queue a receipt, or queue it again."""
    job = session.scalar(select(Job).where(Job.receipt == receipt).with_for_update())
    if job is None:
        session.add(Job(receipt=receipt, state=QUEUED, tries=0, queued=at, not_before=at))
        return
    job.state, job.tries, job.queued, job.not_before = QUEUED, 0, at, at
    job.leased_until = job.done = job.reason = None


def put_all(
    session: Session,
    track: str,
    *,
    at: datetime,
    units: Sequence[str] | None = None,
    handles: Sequence[str] | None = None,
) -> int:
    """Queue every receipt of a track again, of some units and fellows where they are given; return how many.

    Whatever has not changed keeps its verdict (it is cached by its key), so this is cheap.
    """
    asked = [Receipt.track == track, Receipt.erased.is_(None)]
    if units is not None:
        asked.append(Receipt.unit.in_(units))
    if handles is not None:
        asked.append(Receipt.handle.in_(handles))
    chosen = select(Receipt.id).where(*asked)
    afresh = {"state": QUEUED, "tries": 0, "queued": at, "not_before": at}
    gone = dict.fromkeys(("leased_until", "done", "reason"))
    session.execute(update(Job).where(Job.receipt.in_(chosen)).values(**afresh, **gone))
    unknown = chosen.where(Receipt.id.not_in(select(Job.receipt))).order_by(Receipt.received)
    session.add_all(Job(receipt=receipt, **afresh) for receipt in session.scalars(unknown).all())
    session.flush()
    return session.scalar(select(func.count()).select_from(chosen.subquery())) or 0


def lease(session: Session, now: datetime, seconds: float) -> Lease | None:
    """Take a job for some seconds; None where there is none.

    Whose work was looked at least in the last minutes comes first, what is being looked at included, so that many
    submissions of one fellow hold up nobody else; among equals the job that has waited longest. One whose lease ran
    out (its marker died) is taken again.

    A clock that goes back freezes nothing: what is queued is due at once, and a rest or a lease that ends further
    ahead than any can comes from before the jump, and is over.
    """
    ended = _ended(now, seconds)
    _rest_what_ends_markers(session, ended, now)
    rested = or_(Job.not_before <= now, Job.not_before > now + RETRY_AFTER[-1])
    due = or_(Job.state == QUEUED, and_(Job.state == OURS, rested), and_(Job.state == LEASED, ended))
    served = (
        select(Receipt.handle, func.count().label("times"))
        .join(Job, Job.receipt == Receipt.id)
        .where(or_(and_(Job.done > now - FAIR_WITHIN, Job.done <= now), Job.state.in_((OURS, LEASED))))
        .group_by(Receipt.handle)
        .subquery()
    )
    waiting_jobs = select(Job).join(Receipt, Receipt.id == Job.receipt).where(due, Receipt.erased.is_(None))
    in_turn = waiting_jobs.outerjoin(served, served.c.handle == Receipt.handle)
    asked_for = case((and_(Job.state == QUEUED, Job.reason.is_not(None)), 0), else_=1)  # see `again`
    waits_since = (Job.queued <= now, Job.queued, Job.id)
    first = in_turn.order_by(asked_for, func.coalesce(served.c.times, 0), *waits_since).limit(1)
    job = session.scalar(first.with_for_update(skip_locked=True, of=Job))
    if job is None:
        return None
    job.state, job.tries, job.leased_until = LEASED, job.tries + 1, now + timedelta(seconds=seconds)
    receipt = session.get_one(Receipt, job.receipt)
    session.flush()
    return Lease(
        job=job.id,
        receipt=receipt.id,
        handle=receipt.handle,
        track=receipt.track,
        unit=receipt.unit,
        number=receipt.number,
        received=receipt.received,
        until=job.leased_until,
        tries=job.tries,
        reason=job.reason,
    )


def is_any_queued(session: Session) -> bool:
    """Tell whether anything is queued; what rests after a fault of ours is not."""
    queued = select(Job.id).join(Receipt, Receipt.id == Job.receipt)
    return session.scalar(queued.where(Job.state == QUEUED, Receipt.erased.is_(None)).limit(1)) is not None


def _ended(now: datetime, seconds: float) -> ColumnElement[bool]:
    """Tell of a lease whether it is over; `seconds` is how long one lasts."""
    return or_(Job.leased_until <= now, Job.leased_until > now + timedelta(seconds=seconds))


def _rest_what_ends_markers(session: Session, ended: ColumnElement[bool], now: datetime) -> None:
    """Let jobs rest whose markers died again and again: others are waiting."""
    lost = and_(Job.state == LEASED, ended, Job.tries >= LOST_TRIES)
    for job in session.scalars(select(Job).where(lost).with_for_update(skip_locked=True)):
        job.state, job.not_before, job.leased_until = OURS, now + _rest(job.tries), None
        job.reason = f"{ENDED}: the marking process ended {job.tries} times while it had this"
    session.flush()


def _rest(tries: int) -> timedelta:
    return RETRY_AFTER[min(tries, len(RETRY_AFTER)) - 1]


def renew(session: Session, held: Lease, now: datetime, seconds: float) -> Lease | None:
    """Lengthen a lease; None where it is no longer ours."""
    until = now + timedelta(seconds=seconds)
    if not _change_held(session, held, leased_until=until):
        return None
    return Lease(**{**held.__dict__, "until": until})


def release(session: Session, held: Lease) -> None:
    """Queue a job again whose marking came to no end, through no doing of its own; its turn comes as before."""
    _change_held(session, held, state=QUEUED, tries=max(held.tries - 1, 0), leased_until=None)


def end_leases(session: Session, now: datetime) -> None:
    """Let whatever is leased be taken again at once: for the one marker, at its start, when no other can hold any."""
    session.execute(update(Job).where(Job.state == LEASED).values(leased_until=now))


def finish(session: Session, held: Lease, verdict: Verdict, now: datetime) -> bool:
    """Store a verdict, give it to the receipt and close the job; a fault of ours gives the job back.

    Returns:
        Whether the job is done. False: given back, or queued again (a corrected check, say) meanwhile,
        in which case the newer job stands and this verdict is left out.
    """
    if verdict.outcome is Outcome.OURS:
        give_back(session, held, "; ".join(message.id for message in verdict.notices) or "a fault of ours", now)
        return False
    if not close(session, held, now):
        return False
    give_verdict(session, session.get_one(Receipt, held.receipt), keep_verdict(session, held.track, verdict, now))
    return True


def close(session: Session, held: Lease, now: datetime) -> bool:
    """Close a job whose receipt has its verdict; False where it is not ours any more."""
    return _change_held(session, held, state=DONE, done=now, leased_until=None, reason=None)


def give_back(session: Session, held: Lease, reason: str, now: datetime) -> None:
    """Return a job that met a fault of ours: it is tried again later, and says so until then."""
    rests_until = now + _rest(held.tries)
    _change_held(session, held, state=OURS, reason=reason[:4000], not_before=rests_until, leased_until=None)


def set_aside(session: Session, receipt: str, reason: str, now: datetime) -> None:
    """Open a marked receipt's job again where something of ours went wrong after its verdict, which stands."""
    job = session.scalar(select(Job).where(Job.receipt == receipt, Job.state == DONE).with_for_update())
    if job is not None:
        job.state, job.tries, job.queued = OURS, job.tries + 1, now
        job.reason, job.not_before, job.done = reason[:4000], now + _rest(job.tries + 1), None


def stuck(session: Session, tracks: Sequence[str] | None = None) -> list[tuple[Job, Receipt]]:
    """Return what met a fault of ours and is not mended yet, oldest first; of some tracks where they are given.

    `reason` says why. A job that somebody asked to be tried `again` stays in the list, queued, until it is done.
    """
    query = (
        select(Job, Receipt)
        .join(Receipt, Receipt.id == Job.receipt)
        .where(Job.state.in_(NOT_DONE), Job.reason.is_not(None), Receipt.erased.is_(None))
        .order_by(Receipt.received, Receipt.number)
    )
    if tracks is not None:
        query = query.where(Receipt.track.in_(tracks))
    return [(job, receipt) for job, receipt in session.execute(query)]


def again(session: Session, receipts: Sequence[str], at: datetime) -> int:
    """Let jobs that rest after a fault of ours be tried at once, before all others; return how many they are."""
    resting = and_(Job.receipt.in_(receipts), Job.state == OURS)
    jobs = session.scalars(select(Job).where(resting).with_for_update()).all()
    for job in jobs:
        job.state, job.tries, job.not_before = QUEUED, 0, at
    return len(jobs)


def _change_held(session: Session, held: Lease, **values: object) -> bool:
    """Change a job where the lease is still this one."""
    holds = and_(Job.id == held.job, Job.state == LEASED, Job.leased_until == held.until)
    changed = session.execute(update(Job).where(holds).values(**values).returning(Job.id)).scalar()
    return changed is not None


def keep_verdict(session: Session, track: str, verdict: Verdict, now: datetime) -> Verdict:
    """Store a verdict under its key, once; return the one that stands.

    A key that has one says that nothing changed since: where the two differ a check is flaky. Verdicts are never
    rewritten, so the two joined stand in a row of their own, behind the first (`cached_verdict` finds the last).
    """
    row = _last_of(session, verdict.key)
    if row is None:
        _add_verdict(session, track, verdict, now)
        _note_flaky(session, track, verdict, {*verdict.flaky}, now)
        return verdict
    if row.erased is not None:
        # Whose it was is gone; these are another's answers, the same by chance. The tombstone stays one.
        revived = verdict.model_copy(update={"key": _behind(row.key)})
        _add_verdict(session, track, revived, now)
        return revived
    first = Verdict.model_validate(row.record)
    if first == verdict:
        return first
    points = [{check.place: check.points for check in one.checks} for one in (first, verdict)]
    joined = first.joined(verdict)
    if joined.model_copy(update={"key": first.key}) != first:
        joined = joined.model_copy(update={"key": _behind(first.key)})
        _add_verdict(session, track, joined, now)
    else:
        joined = first
    seen = {*verdict.flaky, *(place for place in joined.flaky if points[0].get(place) != points[1].get(place))}
    _note_flaky(session, track, joined, seen, now)
    session.flush()
    return joined


def give_verdict(session: Session, receipt: Receipt, verdict: Verdict) -> None:
    """Let a verdict be a receipt's; marks that people gave over its former one follow it."""
    former, receipt.verdict_key = receipt.verdict_key, verdict.key
    if former is not None and former != verdict.key:
        manual.follow(session, receipt.handle, former, verdict.key)
    session.flush()


def _add_verdict(session: Session, track: str, verdict: Verdict, now: datetime) -> None:
    record = verdict.model_dump(mode="json")
    session.add(
        VerdictRow(key=verdict.key, track=track, unit=verdict.unit, points=verdict.points, record=record, made=now)
    )
    session.flush()
    manual_answers = verdict.manual_answers
    session.add_all(
        VerdictCheck(
            verdict=verdict.key,
            check=one.place,
            manual=one.place in manual_answers,
            points=None if one.place in manual_answers else one.points,
            max_points=one.max_points,
            answer=manual_answers.get(one.place),
        )
        for one in verdict.checks
    )
    session.flush()


def _last_of(session: Session, key: str) -> VerdictRow | None:
    """Return the row that stands for a key: the last of those behind one another."""
    row = session.get(VerdictRow, key)
    while row is not None and (behind := session.get(VerdictRow, _behind(row.key))) is not None:
        row = behind
    return row


def _behind(key: str) -> str:
    """Return the key of the row behind another: what two runs of the same found together."""
    return hashlib.sha256(f"behind:{key}".encode()).hexdigest()


def _note_flaky(session: Session, track: str, verdict: Verdict, places: set[str], now: datetime) -> None:
    """Write down for the track's trainers which checks gave two answers just now."""
    counted, others = ({one.place: one.points for one in found} for found in (verdict.checks, verdict.others))
    for place in sorted(places & {*verdict.flaky} & {*counted}):
        points = {"points": counted[place], "other": others.get(place, 0.0)}
        session.add(FlakySighting(track=track, unit=verdict.unit, check=place, verdict=verdict.key, at=now, **points))
    session.flush()


def cached_verdict(session: Session, key: str) -> Verdict | None:
    """Return the verdict of a key, None where it is to be marked."""
    row = _last_of(session, key)
    return Verdict.model_validate(row.record) if row is not None and row.erased is None else None


def waiting(session: Session) -> list[tuple[Job, Receipt]]:
    """Return what has no verdict yet, oldest first, for the pages that say what waits for us."""
    query = (
        select(Job, Receipt)
        .join(Receipt, Receipt.id == Job.receipt)
        .where(Job.state.in_(NOT_DONE))
        .order_by(Job.queued, Job.id)
    )
    return [(job, receipt) for job, receipt in session.execute(query)]
