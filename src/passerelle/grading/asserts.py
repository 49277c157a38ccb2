"""Marks the plain checks of a notebook: over stand-ins, or in the box beside her code (docs/marking.md)."""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from passerelle.grading.canaries import noted, tests
from passerelle.grading.examiner import has_hidden, visible
from passerelle.grading.keeper import Keeper
from passerelle.grading.panel import Examiner
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.routes import Plan, plans
from passerelle.grading.versions import Ending, Proof, draw, judge
from passerelle.model.verdict import Message

_BOX_S = 15.0
"""CPU time for a whole check in the box."""

Boxes = Callable[[], AbstractContextManager[Mapping[str, Keeper | None]]]
"""Runs her notebook once more, in a box of its own; gives the state at each check, by key."""


@dataclass
class Route:
    """Which way a check goes; fixed by the source and its reference solution, never by a submission.

    `beside`: in the box. `forwards`: which of the course's own definitions are hers, too: 0 none, 1 classes, 2 all.
    `over`, `box`: what is known of its tests over stand-ins and in the box; None where the solution does not pass.
    """

    beside: bool = False
    forwards: int = 0
    over: Proof | None = None
    box: Proof | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Route":
        """Build it from plain data, as `dataclasses.asdict` gives it."""
        proofs = {name: Proof(**data[name]) if data[name] else None for name in ("over", "box")}
        return cls(**{**data, **proofs})


@dataclass
class _Pending:
    """A check of which versions are to be run. `told` is what becomes its result."""

    told: dict[str, Any]
    order: Mapping[str, Any]
    key: str
    proof: Proof
    beside: bool | None
    """Whether the source sends it into the box; None: it is examined over stand-ins."""
    drawn: list[dict[int, int]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)


class PlainChecks:
    """The plain checks of one notebook."""

    def __init__(
        self, solution: NotebookNode, examiner: Examiner, routes: Callable[[], Mapping[str, Route]] | None = None
    ) -> None:
        self.plans = plans(solution)
        self._examiner = examiner
        self._find_routes = routes or dict
        self._routes: Mapping[str, Route] | None = None
        self._pending: list[_Pending] = []
        self._not_met: set[str] = set()
        self.tampering: list[Message] = []
        self.was_unanswered = False
        """Whether an answer never came: time, memory or a dead process."""

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
        """Examine a check. Where her own code could have a say, the result is as it is after `settle` only.

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
            told = self._beside(cell, order, keeper, route)
        if told["points"] > 0 and counts and (in_box or told["judged"]):
            proof = route.box if in_box else route.over
            waiting = _Pending(
                told, order, cell.key, proof or _blind(order["source"]), route.beside if in_box else None
            )
            self._pending.append(waiting)
        told["beside"] = in_box or bool(told.get("judged"))
        return told  # the very dictionary that `settle` decides

    def _beside(self, cell: RebuiltCell, order: Mapping[str, Any], keeper: Keeper, route: Route) -> dict[str, Any]:
        """Run what is released of a check in the box; what is hidden is for boxes that have seen nothing yet."""
        proof = route.box or _blind(order["source"])
        known = tests(order["source"])
        # A submission may have chosen this way: then its tests must be such that guessing them is of no use.
        is_told = route.beside or proof.is_good_for(known)
        if not is_told or cell.key in self._not_met:
            return _nothing()
        if order["hidden"] and has_hidden(order["source"]):
            return {**_nothing(), "points": order["points"], "unmet": []}
        told = self.in_box({**order, "source": noted(order["source"])}, keeper, beside=route.beside)
        if told["error"]:
            self._not_met.add(cell.key)
        return told

    def order(self, cell: RebuiltCell, route: Route, *, hidden: bool) -> dict[str, Any]:
        """Return what the examiner is told of a check."""
        plan: Plan = self.plans[cell.key]
        said = (lambda text: text) if hidden else visible
        return {
            "source": said(cell.text),
            "before": [said(text) for text in plan.before],
            "points": cell.points or 0.0,
            "hidden": hidden,
            "route": {**plan.route, "helpers": (plan.route["helpers"], plan.route["functions"], [])[route.forwards]},
        }

    def over_stand_ins(self, order: Mapping[str, Any], keeper: Keeper | None, gone: str = "died") -> dict[str, Any]:
        """Run a check in the examiner."""
        if keeper is None:
            self.was_unanswered = True
            answer = json.dumps({"state": "gone", "why": gone}).encode()
            return self._examiner.examine_plain(order, lambda _question: answer)
        # A fork of the state: what the check changes there is its own.
        fork = keeper.again()
        try:
            told = self._examiner.examine_plain(order, fork.ask)
        finally:
            fork.close()
        self.was_unanswered |= bool(told["unanswered"])
        return told

    def in_box(self, order: Mapping[str, Any], keeper: Keeper, *, beside: bool) -> dict[str, Any]:
        """Run a check, with its notes, beside her code; what comes is hearsay."""
        before = [*order["route"]["functions"], *order["before"]]
        fork = keeper.again()
        try:
            answer = fork.ask({"ask": "beside", "before": before, "source": order["source"]}, _BOX_S)
        finally:
            fork.close()
        told = _hearsay(answer, order, beside=beside)
        self.was_unanswered |= bool(told["unanswered"])
        return told

    def settle(self, boxes: Boxes) -> None:
        """Decide the checks in which her own code could have a say.

        Each version of a check runs in a box of its own, in which her notebook has been run anew: nothing that one
        version leaves behind (files, memory, other processes) is there for another.
        """
        pending, self._pending = self._pending, []
        for one in pending:
            one.drawn = draw(one.proof, tests(one.order["source"]).hidden)
        for turn in range(max((len(one.drawn) for one in pending), default=0)):
            with boxes() as keepers:
                for one in pending:
                    if turn < len(one.drawn):
                        one.versions.append(self._version(one, one.drawn[turn], keepers.get(one.key)))
        for one in pending:
            self._decide(one)

    def _version(self, one: _Pending, changed: Mapping[int, int], keeper: Keeper | None) -> dict[str, Any]:
        proof = one.proof
        text = noted(one.order["source"], seed=proof.seed, changed=changed, negated=frozenset(proof.negated))
        order = {**one.order, "source": text}
        if keeper is None or one.beside is None:
            return self.over_stand_ins(order, keeper)
        return self.in_box(order, keeper, beside=one.beside)

    def _decide(self, one: _Pending) -> None:
        ending = judge(one.proof, one.drawn, one.versions)
        if ending is Ending.MET:
            if one.beside is not None:
                itself = next(told for told, changed in zip(one.versions, one.drawn, strict=True) if not changed)
                one.told |= {name: itself[name] for name in ("points", "unmet", "notes", "error")}
            return
        one.told |= _nothing()
        one.told["unanswered"] = any(told["unanswered"] for told in one.versions)
        if ending is Ending.TAMPERED and all(said.args["check"] != one.key for said in self.tampering):
            self.tampering.append(Message(id="tampering-canary", args={"check": one.key}))


def _blind(source: str) -> Proof:
    return Proof.without_solution(source, secrets.token_hex(8))


def _nothing() -> dict[str, Any]:
    """Return the result of a check that is not met."""
    unmet = [[0, 1, [["not-met", {}, None]]]]
    told = {"points": 0.0, "unmet": unmet, "fault": None, "unanswered": False, "judged": True, "unsupported": ""}
    return {**told, "notes": [], "error": "AssertionError", "opened": []}


def _hearsay(answer: bytes, order: Mapping[str, Any], *, beside: bool) -> dict[str, Any]:
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
    error = str(said.get("error") or "")[:60]
    told["error"] = error or ("AssertionError" if missed else "")
    # Where a submission may have chosen to be beside her code, a check that tests nothing says nothing.
    is_blind = not beside and not told["notes"]
    if state == "ran" and not is_blind and not error and not missed and not said.get("stderr"):
        value: Any = said.get("value")
        told["points"] = order["points"]
        if type(value) in (int, float) and value >= 0:
            told["points"] = float(min(value, order["points"]))
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
