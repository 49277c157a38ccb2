"""Kill -9 of each process at each step of the loop (`make faults`): real kills, and what must be true afterwards.

A fellow goes the whole way; at one step, a moment after it began, one process is killed. She goes on as a
person does, trying again. Then nothing saved is lost, nothing is there twice, her session is the same, and
nothing is left running that nobody knows of.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests
from nbgrader.api import Gradebook
from sqlalchemy import select

from benchmarks.loop import FELLOWS, FULL_AUTOMATIC, TRACK, UNIT
from passerelle import ledger
from passerelle.hub.processes import born, descendants
from passerelle.ledger import receipts
from passerelle.ledger.tables import Receipt
from tests.faults.walk import STEPS, StuckError, Walk
from tests.hub.running import Browser, RunningHub, processes_of, settings_in, start

WITHIN_S = 0.4
"""A kill comes at a random moment of the first part of a step."""

MODULES = {
    "hub": "-m passerelle.hub.jupyterhub",
    "proxy": "configurable-http-proxy",
    "pages and exchange": "-m passerelle.hub.web",
    "marking": "-m passerelle.hub.marking",
}
EVERYTHING = "everything"
SERVER = "her server"
BOX = "learner box"
VICTIMS = (*MODULES, SERVER, BOX, EVERYTHING)
KERNEL_LIVES_ON = set(MODULES) | {BOX}


@dataclass(frozen=True)
class Cell:
    """What a kill did: seconds until the step had come to its end all the same."""

    victim: str
    step: str
    seconds: float
    killed: int


def pids_of(hub: RunningHub, victim: str, handle: str) -> list[int]:
    """Return the processes to kill; none where there is none at this moment."""
    lines = {int(line.split()[0]): line for line in processes_of(hub.settings)}
    if victim in MODULES:
        return [pid for pid, line in lines.items() if MODULES[victim] in line and "setpriv" not in line]
    if victim == SERVER:
        return [pid for pid, line in lines.items() if "passerelle_lab.singleuser" in line and f"/home/{handle}" in line]
    if victim == BOX:
        return [box for pid in pids_of(hub, "marking", handle) for box in descendants(pid)]
    return [hub.process.pid, *descendants(hub.process.pid)]


def kill(hub: RunningHub, victim: str, handle: str, wait_s: float) -> int:
    """Kill -9 a moment from now; wait a little for a victim that is to come; return how many processes that were."""
    time.sleep(wait_s)
    until = time.monotonic() + 3
    while not (pids := pids_of(hub, victim, handle)) and time.monotonic() < until:
        time.sleep(0.02)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(pids)


def walk_with_a_kill(hub: RunningHub, handle: str, number: int, victim: str, at: str, chance: random.Random) -> Cell:
    """Go the whole way with one kill, check what must be true, and return how long the step took.

    Raises:
        AssertionError: what must be true is not.
    """
    walk, seconds, killed = Walk.begin(hub, handle, number), 0.0, 0
    for name, step in STEPS.items():
        if name != at:
            step(walk)
            continue
        wait_s, began = chance.uniform(0, WITHIN_S), time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(step, walk)
            killed = kill(hub, victim, handle, wait_s)
            if victim == EVERYTHING:
                start_again(hub)
            going.result()
        seconds = time.monotonic() - began
    check(walk, victim, at)
    in_time(lambda: whole(hub), f"{victim} killed at «{at}»: {hub.settings.address} whole again")
    return Cell(victim, at, seconds, killed)


def start_again(hub: RunningHub) -> None:
    """Do what an operator does after a power cut."""
    hub.process.wait(10)
    again = start(hub.settings)
    hub.process, hub.output = again.process, again.output


def check(walk: Walk, victim: str, at: str) -> None:
    """Hold what must be true after every walk."""
    said = f"{victim} killed at «{at}»"
    assert at == "sign in" or walk.signed_in == 1, f"{said}: she had to sign in {walk.signed_in} times"
    assert walk.saved_number() == walk.number, f"{said}: what she saved is not what is there"
    if victim in KERNEL_LIVES_ON:
        assert walk.still_knows(), f"{said}: her kernel has forgotten what she ran"
    engine = ledger.engine(walk.hub.settings.database_url)
    try:
        with ledger.reading(engine) as session:
            mine = session.scalars(select(Receipt).where(Receipt.token == walk.token)).all()
            assert [one.id for one in mine] == [walk.receipt], f"{said}: {len(mine)} receipts for one submission"
            attempts = receipts.attempts(session, walk.handle, TRACK, UNIT)
    finally:
        engine.dispose()
    assert [one.number for one in attempts] == list(range(1, len(attempts) + 1)), f"{said}: attempts are not counted"
    attempt = next(one for one in attempts if one.receipt == walk.receipt)
    assert attempt.auto == FULL_AUTOMATIC, f"{said}: {attempt.auto} points where the solution earns {FULL_AUTOMATIC}"
    in_time(lambda: in_gradebook(walk.hub, walk.handle) == FULL_AUTOMATIC, f"{said}: the gradebook")
    in_time(lambda: not unknown(walk.hub), f"{said}: processes that nobody knows of: {unknown(walk.hub)}")


def in_time(true: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    """Wait until something is so."""
    until = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.2)


def in_gradebook(hub: RunningHub, handle: str) -> float | None:
    """Return the automatic points that nbgrader's gradebook has for her."""
    path = hub.settings.courses / TRACK / "gradebook.db"
    with Gradebook(f"sqlite:///{path}") as book:
        sent = next((one for one in book.student_submissions(handle) if one.assignment.name == UNIT), None)
        return None if sent is None else sum(grade.auto_score or 0 for one in sent.notebooks for grade in one.grades)


def whole(hub: RunningHub) -> bool:
    """Tell whether all is there again: the next walk's seconds are its own."""
    try:
        answers = [Browser(hub.settings).get_page(path) for path in ("/services/passerelle/health", "/hub/health")]
    except requests.RequestException:
        return False
    return all(one.ok for one in answers) and bool(pids_of(hub, "marking", ""))


def unknown(hub: RunningHub) -> list[str]:
    """Return our processes that are not below the supervisor, or double."""
    below = {hub.process.pid, *descendants(hub.process.pid)}
    lines = processes_of(hub.settings)
    stray = [line for line in lines if int(line.split()[0]) not in below and born(int(line.split()[0])) is not None]
    twice = [part for part in MODULES if len(pids_of(hub, part, "")) > 1]
    return stray + [f"{part} runs twice" for part in twice]


def cells(victims: list[str], steps: list[str]) -> list[tuple[str, str]]:
    """Return who is killed at which step, where that can be: the box is there while something is marked.

    One after the other: a process that is killed again within seconds of its start rests first, as one that crashes.
    """
    return [(victim, step) for step in steps for victim in victims if victim != BOX or step == "marking"]


def table(done: list[Cell]) -> str:
    """Return the grid as Markdown: seconds a step took with the kill in it."""
    steps = list(STEPS)
    lines = ["| killed | " + " | ".join(steps) + " |", "|---|" + "---|" * len(steps)]
    for victim in VICTIMS:
        by_step = {cell.step: cell for cell in done if cell.victim == victim}
        shown = [f"{by_step[step].seconds:.1f} s" if step in by_step else "–" for step in steps]
        lines.append(f"| {victim} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run the grid; print it; 1 where something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victim", action="append", choices=VICTIMS)
    parser.add_argument("--step", action="append", choices=list(STEPS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    chance, done, wrong, number = random.Random(asked.seed), [], [], 100
    with tempfile.TemporaryDirectory(prefix="faults") as place:
        hub = start(settings_in(Path(place) / "data"))
        try:
            for victim, step in cells(asked.victim or list(VICTIMS), asked.step or list(STEPS)) * asked.rounds:
                number += 1
                try:
                    cell = walk_with_a_kill(hub, FELLOWS[number % len(FELLOWS)], number, victim, step, chance)
                except (AssertionError, StuckError) as error:
                    wrong.append(str(error))
                    print(f"{victim} at {step}: {error}", file=sys.stderr, flush=True)
                else:
                    done.append(cell)
                    print(
                        f"{victim} at {step}: {cell.seconds:.1f} s, {cell.killed} killed", file=sys.stderr, flush=True
                    )
        finally:
            hub.stop()
        left = processes_of(hub.settings)
    print(table(done))
    print(f"\n{len(done)} of {len(done) + len(wrong)} as they must be; {len(left)} processes left at the end")
    return 1 if wrong or left else 0


if __name__ == "__main__":
    sys.exit(main())
