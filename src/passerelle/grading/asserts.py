"""Marks the plain checks of a notebook: over stand-ins, or in the box beside her code (docs/marking.md)."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from passerelle.grading.box import Keeper
from passerelle.grading.canaries import count, noted
from passerelle.grading.examiner import visible
from passerelle.grading.panel import Examiner
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.routes import Plan, plans
from passerelle.model.verdict import Message

CANARIES = (1, 2)
_BOX_S = 15.0
"""CPU time for a whole check in the box."""


@dataclass
class Route:
    """Which way a check goes; fixed by the source and its reference solution, never by a submission.

    `beside`: in the box. `forwards`: the course's own test functions are hers, too. `needed`: numbers of the tests
    that a true answer meets; None: not known. `armed`: which tests fail in each canary on the reference solution.
    `negated`: tests that a canary negates, since other values would not do.
    """

    beside: bool = False
    forwards: bool = False
    needed: list[int] | None = None
    armed: dict[str, list[int]] = field(default_factory=dict)
    negated: list[int] = field(default_factory=list)


class PlainChecks:
    """The plain checks of one notebook."""

    def __init__(
        self, solution: NotebookNode, examiner: Examiner, routes: Callable[[], Mapping[str, Route]] | None = None
    ) -> None:
        self.plans = plans(solution)
        self._examiner = examiner
        self._find_routes = routes or dict
        self._routes: Mapping[str, Route] | None = None
        self.tampering: list[Message] = []

    def __contains__(self, key: str) -> bool:
        """Say whether a check is a plain one."""
        return key in self.plans

    def take_routes(self, found: Mapping[str, Route]) -> None:
        """Use these routes."""
        self._routes = found

    def effects(self, key: str) -> str:
        """Return what of a check her later cells may rely on."""
        return self.plans[key].effects if key in self.plans else ""

    def examine(
        self, cell: RebuiltCell, keeper: Keeper | None, gone: str, *, hidden: bool, counts: bool = True
    ) -> dict[str, Any]:
        """Examine a check.

        Args:
            cell: the check.
            keeper: the state at its place; None where her notebook's Python was gone by then.
            gone: why it was gone.
            hidden: whether hidden tests are run, so that no fact may be said.
            counts: whether the points of this run count, and not its messages alone.

        Returns:
            As `plain.examine`; and "beside", whether her own code could have had a say.
        """
        if self._routes is None:
            self._routes = self._find_routes()
        route = self._routes.get(cell.key, Route())
        order = self.order(cell, route, hidden=hidden)
        if keeper is None:
            return self.over_stand_ins(order, None, gone) | {"beside": False}
        told: dict[str, Any] = {"unsupported": "by its route"}
        if not route.beside:
            told = self.over_stand_ins(order, keeper, gone)
        in_box = bool(told["unsupported"])
        if in_box:
            told = self.in_box({**order, "source": noted(order["source"])}, keeper, route)
        if told["points"] > 0 and counts and (in_box or told["judged"]):
            self._with_canaries(told, order, keeper, route, in_box=in_box, key=cell.key)
        return {**told, "beside": in_box or bool(told.get("judged"))}

    def order(self, cell: RebuiltCell, route: Route, *, hidden: bool) -> dict[str, Any]:
        """Return what the examiner is told of a check."""
        plan: Plan = self.plans[cell.key]
        said = (lambda text: text) if hidden else visible
        return {
            "source": said(cell.text),
            "before": [said(text) for text in plan.before],
            "points": cell.points or 0.0,
            "hidden": hidden,
            "route": {**plan.route, "helpers": [] if route.forwards else plan.route["helpers"]},
        }

    def over_stand_ins(self, order: Mapping[str, Any], keeper: Keeper | None, gone: str = "died") -> dict[str, Any]:
        """Run a check in the examiner."""
        if keeper is None:
            answer = json.dumps({"state": "gone", "why": gone}).encode()
            return self._examiner.examine_plain(order, lambda _question: answer)
        # A fork of the state: what the check changes there is its own.
        fork = keeper.again()
        try:
            return self._examiner.examine_plain(order, fork.ask)
        finally:
            fork.close()

    def in_box(self, order: Mapping[str, Any], keeper: Keeper, route: Route) -> dict[str, Any]:
        """Run a check, with its notes, beside her code; what comes is hearsay."""
        fork = keeper.again()
        try:
            answer = fork.ask({"ask": "beside", "before": order["before"], "source": order["source"]}, _BOX_S)
        finally:
            fork.close()
        return _hearsay(answer, order, route)

    def _with_canaries(
        self, told: dict[str, Any], order: Mapping[str, Any], keeper: Keeper, route: Route, *, in_box: bool, key: str
    ) -> None:
        """Run the canaries; take the points away where one of them passes."""
        source = order["source"]
        armed, negated = route.armed, frozenset(route.negated)
        if route.needed is None:  # no reference solution: the contrary of each test is all that is known
            negated = frozenset(range(count(source)))
            armed = {"1": sorted(negated)}
        versions = [0, *(number for number in CANARIES if armed.get(str(number)))]
        random.SystemRandom().shuffle(versions)
        for number in versions:
            version = {**order, "source": noted(source, canary=number, negated=negated)}
            notes = (self.in_box(version, keeper, route) if in_box else self.over_stand_ins(version, keeper))["notes"]
            met = {note[0] for note in notes if note[1]}
            if number and met & set(armed[str(number)]):
                told |= {"points": 0.0, "unmet": [[0, 1, [["not-met", {}, None]]]]}
                self.tampering.append(Message(id="tampering-canary", args={"check": key}))
                return


def _hearsay(answer: bytes, order: Mapping[str, Any], route: Route) -> dict[str, Any]:
    """Return what the box says of a check, as far as it is of the right shape."""
    told: dict[str, Any] = {"points": 0.0, "unmet": [], "fault": None, "unanswered": False, "judged": True}
    told |= {"unsupported": "", "notes": [], "error": ""}
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    notes: Any = said.get("notes")
    state = said.get("state")
    told["notes"] = [
        note
        for note in (notes if isinstance(notes, list) else [])
        if isinstance(note, list) and len(note) == 3 and type(note[0]) is int and type(note[1]) is bool
    ]
    missed = [note for note in told["notes"] if not note[1]]
    met = {note[0] for note in told["notes"] if note[1]}
    error = str(said.get("error") or "")[:60]
    told["error"] = error or ("AssertionError" if missed else "")
    # Beside her code, without a solution to compare with, a check that tests nothing says nothing.
    is_blind = route.needed is None and not route.beside and not told["notes"]
    if (
        state == "ran"
        and not is_blind
        and not error
        and not missed
        and not said.get("stderr")
        and met.issuperset(route.needed or ())
    ):
        value: Any = said.get("value")
        told["points"] = order["points"]
        if type(value) in (int, float) and value >= 0:
            told["points"] = min(float(value), order["points"])
    if told["points"] < order["points"]:
        told["unmet"] = [[0, 1, [_fact(said, missed, hidden=order["hidden"])]]]
        told["unanswered"] = state in ("slow", "gone")
    return told


def _fact(said: Mapping[str, Any], missed: list[Any], *, hidden: bool) -> list[Any]:
    if said.get("state") == "slow":
        return ["gone-time", {"name": "?"}, None]
    if said.get("state") == "gone":
        why = said.get("why")
        return [f"gone-{why if why in ('time', 'memory') else 'died'}", {"name": "?"}, None]
    words = missed[0][2] if missed else said.get("text")
    if type(words) is str and words.strip() and not hidden:
        return ["said-by-check", {"text": words.strip()[:300]}, None]
    return ["not-met", {}, None]
