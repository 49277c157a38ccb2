"""The table of attacks: what each gets from us, in both kinds of unit, and from stock nbgrader. `make attacks` prints it.

It ends with an error where one of them gets what it must not from us.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from tests.attacks.all_attacks import ATTACKS, CLASSES
from tests.attacks.attack import Attack
from tests.attacks.cage import listening
from tests.attacks.judge import NEIGHBOUR, NEIGHBOURS, Found, Judge
from tests.attacks.stock import Stock, stock
from tests.attacks.tiny import KINDS, PLAIN, POINTS, RIGHT


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="make attacks", description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(ATTACKS), help="names of attacks")
    parser.add_argument("--without-stock", action="store_true", help="do not run stock nbgrader, which takes longest")
    parser.add_argument(
        "--stock", type=Path, help="keep stock nbgrader's results in this file, and take those that are in it"
    )
    given = parser.parse_args()
    chosen = [ATTACKS[name] for name in given.only]
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(Path(folder))
        ours = _ours(judge, chosen)
        theirs = {} if given.without_stock else _theirs(judge.courses[PLAIN], chosen, given.stock)
    _print(ours, theirs)
    sys.exit(any(found.bad for kinds in ours.values() for found in kinds.values()))


def _ours(judge: Judge, chosen: Iterable[Attack]) -> dict[str, dict[str, Found]]:
    found: dict[str, dict[str, Found]] = {}
    with listening():
        for attack in chosen:
            found[attack.name] = {kind: judge.judge(kind, attack) for kind in KINDS}
            told = " | ".join(f"{kind}: {one.told} ({one.seconds:.1f} s)" for kind, one in found[attack.name].items())
            print(f"{attack.name}: {told}", file=sys.stderr, flush=True)
            for kind in KINDS:
                judge.must_be(kind, NEIGHBOUR, NEIGHBOURS)
    for kind in KINDS:
        judge.must_be(kind, RIGHT, POINTS)
    return found


def _theirs(course: Path, chosen: Iterable[Attack], kept: Path | None) -> dict[str, Stock]:
    known = json.loads(kept.read_text()) if kept is not None and kept.exists() else {}
    found = {name: Stock(**one) for name, one in known.items()}
    began = time.monotonic()

    def run(attack: Attack) -> tuple[str, Stock]:
        return attack.name, stock(course, attack)

    honest = Attack("honest", "", RIGHT, POINTS, tuple(POINTS))
    asked = [honest, *(attack for attack in chosen if attack.stock)]
    with ThreadPoolExecutor(2) as pool:
        for name, one in pool.map(run, [attack for attack in asked if attack.name not in found]):
            found[name] = one
            print(f"stock: {name}: {one.told} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
            if kept is not None:
                kept.write_text(json.dumps({name: one.kept() for name, one in found.items()}, indent=1))
    assert (found["honest"].points, found["honest"].wins) == (sum(POINTS.values()), []), (
        "stock nbgrader does not work here"
    )
    return found


def _print(ours: dict[str, dict[str, Found]], theirs: dict[str, Stock]) -> None:
    print(
        f"| Attack | What it tries | deserves | ours, `expect` | ours, plain asserts | nbgrader {version('nbgrader')} |\n|---|---|--:|---|---|---|"
    )
    for title, attacks in CLASSES.items():
        rows = [attack for attack in attacks if attack.name in ours]
        if rows:
            print(f"| **{title}** | | | | | |")
        for attack in rows:
            kinds = ours[attack.name]
            them = theirs[attack.name].told if attack.name in theirs else "not run"
            print(
                f"| {attack.name} | {attack.tries} | {sum(attack.deserves.values()):g} | {kinds['expect'].told} | {kinds['plain'].told} | {them} |"
            )
    for kind in KINDS:
        bad = [name for name, kinds in ours.items() if kinds[kind].bad]
        verdicts = [kinds[kind].verdict for kinds in ours.values()]
        caught = sum(bool(verdict is not None and verdict.tampering) for verdict in verdicts)
        print(
            f"\n**{kind}: {len(ours)} attacks, {len(bad)} get what they must not** {' '.join(bad)}; {caught} seen as tampering."
        )
    wins = Counter(win for name, one in theirs.items() if name in ours for win in one.wins)
    tried = [name for name in theirs if name in ours]
    won = [name for name in tried if theirs[name].wins]
    print(
        f"\n**Stock nbgrader: {len(tried)} attacks, {len(won)} get what they must not**: {', '.join(f'{win} {times}' for win, times in wins.most_common())}."
    )


if __name__ == "__main__":
    main()
