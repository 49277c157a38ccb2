"""One of several processes that write a ledger: `python writer.py <number> <times>`, its URL in PASSERELLE_DATABASE.

Prints how long each of its transactions took, from asking for it to its end on the disk, in seconds.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.ledger import people, queue, receipts
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict

HANDLES = ("acacia", "basil")


def main(number: int, times: int) -> list[float]:
    """Send, lease, mark and look, again and again."""
    engine = ledger.engine(os.environ["PASSERELLE_DATABASE"])
    took: list[float] = []
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(times):
        token = f"{number}-{turn:04}"
        _in_turn(engine, took, lambda session, token=token: _send(session, token))
        held = _in_turn(engine, took, lambda session: queue.lease(session, datetime.now(UTC), 60))
        if held is not None:
            _in_turn(engine, took, lambda session, held=held: _finish(session, held))
        _in_turn(engine, took, lambda session, token=token: people.log_access(session, "oak", "acacia", token))
    engine.dispose()
    return took


def _in_turn(engine: Engine, took: list[float], do: Callable[[Session], Any]) -> Any:
    with _timed(took), ledger.session(engine) as session:
        return do(session)


@contextmanager
def _timed(took: list[float]) -> Iterator[None]:
    began = time.monotonic()
    yield
    took.append(time.monotonic() - began)


def _send(session: Session, token: str) -> None:
    handle = HANDLES[int(token[-1]) % 2]
    taken = receipts.take(
        session, handle=handle, sender=handle, track="data-science", unit="d1", parcel=token.encode(), token=token
    )
    queue.put(session, taken.id, datetime.now(UTC))


def _finish(session: Session, held: queue.Lease) -> None:
    check = CheckResult(key="check-mean", points=1, max_points=2, state=CheckState.PARTIAL)
    # Now and then two have one key: the answers were the same.
    key = f"{held.number // 3:064}"
    verdict = Verdict(key=key, unit="d1", version="1", engine="test", outcome=Outcome.MARKED, checks=(check,))
    assert queue.finish(session, held, verdict, datetime.now(UTC))


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
