"""Who may have a password looked at, and when: the line before the door."""

import asyncio
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.hub import sign_in
from passerelle.hub.sign_in import AT_ONCE, BusyError, Door
from tests.ledgers import new_ledger


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/ledger.db"
    new_ledger(made)
    return made


def test_few_are_looked_at_together_and_a_long_line_is_turned_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "IN_LINE", 5)
    engine = ledger.engine(url)

    async def crowd() -> tuple[int, int, int]:
        door, inside, most, let_out = Door(engine), 0, 0, asyncio.Event()

        async def come() -> bool:
            nonlocal inside, most
            try:
                async with door.turn():
                    inside += 1
                    most = max(most, inside)
                    await let_out.wait()
                    inside -= 1
            except BusyError:
                return False
            return True

        comers = [asyncio.create_task(come()) for _ in range(9)]
        while sum(one.done() for one in comers) < 4:
            await asyncio.sleep(0)
        let_out.set()
        looked_at = sum(await asyncio.gather(*comers))
        async with door.turn():
            return looked_at, most, len(comers)

    assert asyncio.run(crowd()) == (5, AT_ONCE, 9)
    engine.dispose()


def test_a_hundred_tries_at_once_are_a_hundred(url: str) -> None:
    engine = ledger.engine(url)

    async def together() -> list[bool]:
        door = Door(engine)
        return [wait is None for wait in await asyncio.gather(*(door.begin("key") for _ in range(40)))]

    assert sum(asyncio.run(together())) == 5
    engine.dispose()
