"""Mark so many of many that are queued; say what memory that took: `python -m tests.grading.many DIR QUEUED MARKED`."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from passerelle import ledger
from passerelle.grading.nest import hatched

SIZE = 100_000


def queue_many(url: str, count: int) -> None:
    """Queue submissions of different fellows; all of them together are more than may be held."""
    from passerelle.ledger.tables import Job, Person, Receipt
    from passerelle.model.parcel import pack

    at = datetime(2024, 11, 26, tzinfo=UTC)
    engine = ledger.engine(url)
    for first in range(0, count, 250):
        numbers = range(first, min(first + 250, count))
        with ledger.session(engine) as session:
            session.execute(insert(Person), [
                {"handle": f"fellow{n}", "role": "fellow", "first_name": "F", "language": "en", "created": at} for n in numbers
            ])  # fmt: skip
            session.execute(insert(Receipt), [
                {
                    "id": f"{n:032x}", "handle": f"fellow{n}", "sender": "test", "track": "demo", "unit": "mini", "number": 1,
                    "received": at + timedelta(seconds=n), "sha256": "0" * 64, "size": SIZE, "token": f"{n}",
                    "content": pack({"mini.ipynb": b"%d" % n + os.urandom(SIZE)}),
                } for n in numbers
            ])  # fmt: skip
            session.execute(insert(Job), [
                {"receipt": f"{n:032x}", "state": "queued", "tries": 0, "queued": at, "not_before": at} for n in numbers
            ])  # fmt: skip
    engine.dispose()


def main() -> None:
    """Queue in a process of its own, then mark in this one."""
    place, queued, marked = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    url = f"sqlite:///{place}/ledger.db"
    if (child := os.fork()) == 0:
        ledger.migrate(url)
        queue_many(url, queued)
        os._exit(0)
    os.waitpid(child, 0)
    with hatched(2) as nest:
        from passerelle.grading.cluster import Cluster
        from passerelle.grading.worker import Marking, Worker
        from passerelle.ledger.tables import VerdictRow
        from tests.grading import cheap

        assert nest is not None
        engine = ledger.engine(url)
        with Cluster(cheap.mark, nest) as crew:
            worker = Worker(
                engine, lambda: {"demo": place}, place, Marking(cheap.mark, cheap.key), records=False, crew=crew
            )
            began, cpu, done = time.monotonic(), time.process_time(), 0
            while done < marked and (worker.step() or worker.wait()):
                with ledger.reading(engine) as session:
                    done = session.scalar(select(func.count()).select_from(VerdictRow)) or 0
            took, used = time.monotonic() - began, time.process_time() - cpu
            worker.give_up()
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) // 1024, done, round(took / done * 1000, 1), round(used / done * 1000, 1))


if __name__ == "__main__":
    main()
