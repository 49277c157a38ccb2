"""The exchange dies while a submission is taken: no success message without a row, no row twice."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger.tables import Job, Receipt
from passerelle.model.parcel import pack
from passerelle.model.settings import Settings
from tests.unit.exchange.served import PREFIX, TRACK, UNIT, files, new_ledger, release

ROOT = Path(__file__).parents[3]


@contextmanager
def exchange(settings: Settings, port: int, moment: str) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, str(Path(__file__).with_name("killed.py")), str(settings.data), str(port), moment]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PASSERELLE_DATABASE": settings.database}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment, cwd=settings.data) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            yield running
        finally:
            running.kill()


def submit(port: int) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{port}{PREFIX}api/submissions/{TRACK}/{UNIT}",
        data=pack(files()),
        headers={"Authorization": "token token-acacia", "Idempotency-Key": "key-00000001"},
        timeout=20,
    )


def stored(settings: Settings) -> list[tuple[str, int, str | None]]:
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        query = select(Receipt.id, Receipt.number, Job.state).outerjoin(Job, Job.receipt == Receipt.id)
        rows = [(receipt, number, state) for receipt, number, state in session.execute(query)]
    engine.dispose()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "rows"), [("before", 0), ("after", 1)])
def test_a_killed_exchange_has_promised_nothing_that_it_does_not_hold(
    settings: Settings, moment: str, rows: int
) -> None:
    engine = new_ledger(settings)
    release(engine)
    engine.dispose()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with exchange(settings, port, moment) as dying:
        with pytest.raises(requests.ConnectionError):
            submit(port)
        assert dying.wait(10) == -signal.SIGKILL

    assert len(stored(settings)) == rows
    with exchange(settings, port, "never"):
        said = submit(port).json()

    assert stored(settings) == [(said["receipt"], 1, "queued")]
