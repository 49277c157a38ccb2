"""Rehearses marking a unit again, an attempt at a time, for a trainer who wants to see first."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading import trouble
from passerelle.grading.marking import Marked
from passerelle.ledger import queue, reasons, receipts, rehearsals
from passerelle.ledger.tables import Receipt
from passerelle.model.errors import SubmissionError
from passerelle.model.parcel import unpack
from passerelle.model.verdict import Verdict


class Rehearser:
    """Does rehearsals, an attempt at a time, so that what fellows send comes first.

    Args:
        engine: the ledger.
        course_dir: says where a track's course directory is.
        learner: the environment in which fellows' code runs.
        mark: as `marking.mark`.
        verdict_key: as `marking.verdict_key`.
        fellow_of: says what stands for a fellow in the seeds, by handle.
    """

    def __init__(
        self,
        engine: Engine,
        course_dir: Callable[[str], Path],
        learner: Path,
        mark: Callable[..., Marked],
        verdict_key: Callable[..., str],
        fellow_of: Callable[[str], str],
    ) -> None:
        self._engine, self._course_dir, self._learner = engine, course_dir, learner
        self._mark, self._verdict_key, self._fellow_of = mark, verdict_key, fellow_of

    def step(self) -> bool:
        """Rehearse one attempt; tell whether there was one."""
        with ledger.reading(self._engine) as session:
            if rehearsals.latest_open(session) is None:
                return False
        with ledger.session(self._engine) as session:
            found = rehearsals.due(session)
        if found is None:
            return False
        rehearsal, receipt = found
        now = datetime.now(UTC)
        if receipt is None:
            with ledger.session(self._engine) as session:
                rehearsals.end(session, rehearsal.id, now)
            return True
        try:
            verdict = self._would_get(receipt)
        except Exception as error:  # noqa: BLE001  a fault of ours, known or not: the trainer reads it
            with ledger.session(self._engine) as session:
                rehearsals.end(session, rehearsal.id, now, trouble.reason(error, reasons.OTHER))
            return True
        with ledger.session(self._engine) as session:
            rehearsals.note(session, rehearsal.id, receipt.id, verdict)
        return True

    def _would_get(self, receipt: Receipt) -> Verdict | None:
        """Return the verdict that an attempt would get; None where its key has not changed."""
        with ledger.reading(self._engine) as session:
            parcel = receipts.parcel_of(session, receipt.id)
        try:
            files = unpack(parcel or b"")
        except SubmissionError:
            files = {}
        course_dir = self._course_dir(receipt.track)
        fellow = self._fellow_of(receipt.handle)
        key = self._verdict_key(course_dir, receipt.unit, files, learner=self._learner, fellow=fellow)
        with ledger.reading(self._engine) as session:
            known = queue.cached_verdict(session, key)
        if known is not None:
            return known if known.key != receipt.verdict_key else None
        return self._mark(course_dir, receipt.unit, files, learner=self._learner, fellow=fellow).verdict
