"""Processes that write one ledger at the same time lose nothing, and none waits for long."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from passerelle import ledger
from passerelle.ledger.tables import Access, Job, Receipt, VerdictRow
from tests.writers import together

WRITERS, TIMES = 4, 40
LONGEST_S = 2.0

pytestmark = pytest.mark.slow


def test_four_processes_neither_lose_nor_block(programme: Engine, url: str) -> None:
    writer = str(Path(__file__).with_name("writer.py"))

    took = together([(writer, str(number), str(TIMES)) for number in range(WRITERS)], {"PASSERELLE_DATABASE": url})

    with ledger.reading(programme) as session:
        numbers = session.execute(select(Receipt.handle, Receipt.number).order_by(Receipt.handle, Receipt.number)).all()
        half = WRITERS * TIMES // 2
        assert [tuple(one) for one in numbers] == [(who, n) for who in ("acacia", "basil") for n in range(1, half + 1)]
        assert len(set(session.scalars(select(Receipt.token)))) == WRITERS * TIMES
        assert session.scalar(select(func.count()).select_from(Access)) == WRITERS * TIMES
        states = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        assert [tuple(one) for one in states] == [("done", WRITERS * TIMES)]
        assert session.scalar(select(func.count()).where(Receipt.verdict_key.is_(None))) == 0
        assert (session.scalar(select(func.count()).select_from(VerdictRow)) or 0) > half // 3
    assert took[-1] < LONGEST_S, f"the longest waited {took[-1]:.2f} s, half of them under {took[len(took) // 2]:.3f} s"
    print(f"{len(took)} transactions: median {took[len(took) // 2] * 1000:.1f} ms, longest {took[-1] * 1000:.0f} ms")
