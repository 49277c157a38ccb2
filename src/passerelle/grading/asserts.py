"""Marks the plain checks of a notebook: over stand-ins, or in the box beside her code (docs/marking.md)."""

import json
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from passerelle.grading.box import Keeper
from passerelle.grading.examiner import visible
from passerelle.grading.panel import Examiner
from passerelle.grading.rebuild import RebuiltCell
from passerelle.grading.routes import Plan, plans


class PlainChecks:
    """The plain checks of one notebook of a submission."""

    def __init__(self, solution: NotebookNode, examiner: Examiner) -> None:
        self._plans = plans(solution)
        self._examiner = examiner

    def __contains__(self, key: str) -> bool:
        """Say whether a check is a plain one."""
        return key in self._plans

    def examine(self, cell: RebuiltCell, keeper: Keeper | None, gone: str, *, hidden: bool) -> dict[str, Any]:
        """Examine a check.

        Args:
            cell: the check.
            keeper: the state at its place; None where her notebook's Python was gone by then.
            gone: why it was gone.
            hidden: whether hidden tests are run, so that no fact may be said.

        Returns:
            As `plain.examine`.
        """
        plan = self._plans[cell.key]
        return self._over_stand_ins(self._order(cell, plan, hidden=hidden), keeper, gone)

    def _order(self, cell: RebuiltCell, plan: Plan, *, hidden: bool) -> dict[str, Any]:
        said = (lambda text: text) if hidden else visible
        return {
            "source": said(cell.text),
            "before": [said(text) for text in plan.before],
            "points": cell.points or 0.0,
            "hidden": hidden,
            "route": plan.route,
        }

    def _over_stand_ins(self, order: Mapping[str, Any], keeper: Keeper | None, gone: str) -> dict[str, Any]:
        if keeper is None:
            answer = json.dumps({"state": "gone", "why": gone}).encode()
            return self._examiner.examine_plain(order, lambda _question: answer)
        # A fork of the state: what the check changes there is its own.
        fork = keeper.again()
        try:
            return self._examiner.examine_plain(order, fork.ask)
        finally:
            fork.close()
