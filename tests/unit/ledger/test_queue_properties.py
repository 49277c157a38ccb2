"""Whatever markers do, in any order, each receipt comes to exactly one standing verdict."""

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import func, select

from passerelle import ledger
from passerelle.ledger import people, queue, receipts
from passerelle.ledger.queue import Lease
from passerelle.ledger.tables import Job, Receipt, VerdictRow
from tests.ledgers import migrated
from tests.unit.ledger.conftest import NOW
from tests.unit.ledger.test_receipts import submit, verdict

pytestmark = pytest.mark.slow

LEASE_S = 30
FELLOWS = ("acacia", "basil", "cedar")
LONGEST_REST_S = queue.RETRY_AFTER[-1].total_seconds()


class Markers(RuleBasedStateMachine):
    """Several markers of one queue, each of which may die, come back late, or be told to begin again."""

    leases = Bundle("leases")

    @initialize(count=st.integers(1, 3))
    def begin(self, count: int) -> None:
        """Take a submission of each of some fellows."""
        self.place = Path(tempfile.mkdtemp(prefix="queue-"))
        path = self.place / "ledger.db"
        path.write_bytes(migrated())
        self.engine = ledger.engine(f"sqlite:///{path}")
        with ledger.session(self.engine) as session:
            for handle in FELLOWS[:count]:
                people.add_person(session, handle, "fellow", handle.title(), language="en")
        self.seconds, self.version = 0.0, 1
        self.receipts = [submit(self.engine, handle) for handle in FELLOWS[:count]]
        self.current: dict[str, Lease] = {}
        self.finished: dict[str, str] = {}

    @property
    def now(self) -> datetime:
        """Return the moment."""
        return NOW + timedelta(seconds=self.seconds)

    def key(self, held: Lease) -> str:
        """Return the key of the verdict that a marker would find."""
        return f"{held.handle}-{self.version}"

    @rule(seconds=st.sampled_from((0.5, 6, 31, 700)))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds

    @rule(target=leases)
    def lease(self) -> object:
        """Take a job, as a marker does; never one that another one holds."""
        with ledger.session(self.engine) as session:
            held = queue.lease(session, self.now, LEASE_S)
        if held is None:
            return multiple()
        before = self.current.get(held.receipt)
        assert before is None or before.until <= self.now, "two markers hold one job"
        self.current[held.receipt] = held
        return held

    @rule(held=consumes(leases))
    def die(self, held: Lease) -> None:
        """A marker is killed: nothing comes of what it had."""

    @rule(target=leases, held=consumes(leases))
    def renew(self, held: Lease) -> Lease:
        """Hold on to a job."""
        with ledger.session(self.engine) as session:
            longer = queue.renew(session, held, self.now, LEASE_S)
        assert (longer is not None) == (self.current.get(held.receipt) == held)
        if longer is not None:
            self.current[held.receipt] = longer
        return longer or held

    @rule(held=leases)
    def finish(self, held: Lease) -> None:
        """Come to an end, in time or from the dead: only who holds the job has a say."""
        key = self.key(held)
        with ledger.session(self.engine) as session:
            done = queue.finish(session, held, verdict(key), self.now)
        assert done == (self.current.get(held.receipt) == held)
        if done:
            del self.current[held.receipt]
            self.finished[held.receipt] = key

    @rule(held=leases, lost=st.booleans())
    def come_to_nothing(self, held: Lease, lost: bool) -> None:
        """Meet a fault of ours, or lose who marked."""
        with ledger.session(self.engine) as session:
            if lost:
                queue.release(session, held)
            else:
                queue.give_back(session, held, "no box", self.now)
        if self.current.get(held.receipt) == held:
            del self.current[held.receipt]

    @rule()
    def start_anew(self) -> None:
        """The one marker starts again: what was leased is free."""
        with ledger.session(self.engine) as session:
            queue.end_leases(session, self.now)
        self.current.clear()

    @rule(corrected=st.booleans())
    def put_again(self, corrected: bool) -> None:
        """Mark a unit again, after a corrected check or without one."""
        self.version += corrected
        with ledger.session(self.engine) as session:
            queue.put_all(session, "data-science", at=self.now)
        self.current.clear()

    @rule()
    def try_again(self) -> None:
        """Somebody asks for what rests."""
        with ledger.session(self.engine) as session:
            queue.again(session, self.receipts, self.now)

    @invariant()
    def verdicts_stand_once(self) -> None:
        """Each receipt has one job, and the verdict of whoever finished it last."""
        if not hasattr(self, "engine"):
            return
        with ledger.reading(self.engine) as session:
            jobs = session.scalars(select(Job.receipt)).all()
            standing = {receipt: key for receipt, key in session.execute(select(Receipt.id, Receipt.verdict_key))}  # noqa: C416  # rows
            kept = session.scalar(select(func.count()).select_from(VerdictRow))
        assert sorted(jobs) == sorted(self.receipts)
        assert standing == {one: self.finished.get(one) for one in self.receipts}
        assert kept is not None
        assert kept >= len(set(self.finished.values()))

    def teardown(self) -> None:
        """Let one marker work to the end: each receipt is marked, once, and nothing waits."""
        if not hasattr(self, "engine"):
            return
        try:
            self.start_anew()
            for _turn in range(3 * len(self.receipts)):
                self.seconds += LONGEST_REST_S
                held = self.lease()
                if isinstance(held, Lease):
                    self.finish(held)
            with ledger.reading(self.engine) as session:
                assert queue.waiting(session) == []
                for handle in FELLOWS[: len(self.receipts)]:
                    (attempt,) = receipts.attempts(session, handle, "data-science", "d1")
                    assert attempt.state == "marked"
                    assert attempt.verdict is not None
                    assert attempt.verdict.key == self.finished[attempt.receipt]
        finally:
            self.engine.dispose()
            shutil.rmtree(self.place)


TestMarkers = Markers.TestCase
TestMarkers.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
