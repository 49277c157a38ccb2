"""The examiner's random generators, while a check runs: they are its own, and nothing of hers moves or sets them."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from autograders import chance
from autograders.known import place_of

_SET_BY = {"random": ("seed", "setstate"), "numpy.random": ("seed", "set_state")}


class Generators:
    """Knows when the box is to be told their state: after the check has drawn, or has set it, even to what it was."""

    def __init__(self) -> None:
        self._told = chance.state()
        self._is_set = False
        self._before: dict[str, dict[str, Any]] = {}
        self._hear()

    def news(self) -> list[Any] | None:
        """Return the state where the box is to go on from it; None where the check has left it alone."""
        self._hear()
        now = chance.state()
        if now == self._told and not self._is_set:
            return None
        self._told, self._is_set = now, False
        return now

    def leave(self) -> None:
        """Put the functions back that set a state."""
        for home, before in self._before.items():
            vars(sys.modules[home]).update(before)
        self._before.clear()

    def _hear(self) -> None:
        """Hear of each time that the check sets a state; numpy may be imported late."""
        for home in _SET_BY.keys() & sys.modules.keys() - self._before.keys():
            space = vars(sys.modules[home])
            self._before[home] = {name: space[name] for name in _SET_BY[home] if name in space}
            space.update({name: self._heard(function) for name, function in self._before[home].items()})

    def _heard(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def setting(*args: Any, **kwargs: Any) -> Any:
            self._is_set = True
            return function(*args, **kwargs)

        return setting


def place_there(function: Any) -> str | None:
    """Return where her process finds a function of libraries, those that draw included: there they move its own."""
    name = str(getattr(function, "__name__", ""))
    for home in _SET_BY:
        if home in sys.modules and vars(sys.modules[home]).get(name) is function:
            return f"{home}:{name}"
    return place_of(function)
