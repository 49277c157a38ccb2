"""Listens to two examinations of one check, so that the second is no second guess.

Both ask forks of one state. A call may honestly give another answer (the clock, the system's own random numbers);
what a name holds cannot: where it differs, her notebook noticed that it was asked again.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from passerelle.grading.keeper import Keeper

_LOOKS = frozenset({"get", "attr", "names", "dir", "source"})
"""What asks for something that is there, and calls nothing of hers."""
_OURS = {"t": "module", "n": "autograders.answers"}
"""Reads her files, which are there as names are: nothing of hers is called."""


class Heard:
    """What was answered in an examination where nothing was called; `called`: whether anything was."""

    def __init__(self) -> None:
        self.called = False
        self._looked: dict[str, list[bytes]] = defaultdict(list)

    def note(self, question: Mapping[str, Any], answer: bytes) -> None:
        """Take down a question and its answer."""
        op = question.get("op") if question.get("ask") == "do" else question.get("ask", question.get("op"))
        if op in _LOOKS or question.get("on") == _OURS:
            parts = {name: question.get(name) for name in ("op", "on", "name", "attr", "args")}
            self._looked[json.dumps(parts, sort_keys=True)].append(answer)
        else:
            self.called = True

    def agrees(self, other: "Heard") -> bool:
        """Say whether what both looked at was the same both times."""
        return all(
            one == two
            for asked in self._looked.keys() & other._looked.keys()
            for one, two in zip(self._looked[asked], other._looked[asked], strict=False)
        )


class Overheard(Keeper):
    """A keeper to which somebody listens, and to each fork of it."""

    def __init__(self, keeper: Keeper, heard: Heard) -> None:
        self._keeper, self._heard = keeper, heard

    def ask(self, question: Mapping[str, Any], cpu_s: float | None = None) -> bytes:
        """Ask, and take down what was answered."""
        answer = self._keeper.ask(question, cpu_s)
        self._heard.note(question, answer)
        return answer

    def again(self) -> Keeper:
        """Keep the same state once more."""
        return Overheard(self._keeper.again(), self._heard)

    @property
    def pid(self) -> int:
        """Return the keeper's process."""
        return self._keeper.pid

    def close(self) -> None:
        """Let it end."""
        self._keeper.close()
