import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from passerelle import ledger
from passerelle.ledger import queue
from passerelle.model.settings import Settings
from tests.unit.review.programme import NOW, Programme, new_programme


def passerelle_stuck(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "passerelle.cli", "stuck", *arguments],
        env={**os.environ, "PASSERELLE_DATA": str(settings.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def broken(programme: Programme, reason: str) -> str:
    programme.enrol("fern")
    receipt = programme.send("fern", "d1-tables", NOW)
    with ledger.session(programme.engine) as session:
        held = queue.lease(session, NOW, 60)
        assert held is not None
        queue.give_back(session, held, reason, datetime.now(UTC))
    return receipt


def test_it_says_what_waits_and_lets_it_be_tried_again(tmp_path: Path) -> None:
    programme = new_programme(tmp_path)
    nothing = passerelle_stuck(programme.settings)
    receipt = broken(programme, "disk: OSError (No space left on device)")

    told = passerelle_stuck(programme.settings, "--again")
    elsewhere = passerelle_stuck(programme.settings, "--track", "web-dev")
    with ledger.session(programme.engine) as session:
        held = queue.lease(session, datetime.now(UTC), 60)
    programme.engine.dispose()

    assert (nothing.returncode, nothing.stdout) == (0, "nothing waits for us\n")
    assert told.returncode == 1
    assert f"data-science/d1-tables {receipt}" in told.stdout
    assert "tries 1: disk: OSError (No space left on device)" in told.stdout
    assert "1 of 1 are next in turn; the marking service does not run" in told.stdout
    assert "fern" not in told.stdout.lower()
    assert elsewhere.returncode == 0
    assert held is not None
    assert held.receipt == receipt
