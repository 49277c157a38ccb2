"""Verdicts against what the unit states: points, hints, readable messages."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from passerelle.courses import Fault
from passerelle.model.course import Unit
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict

_NEAR = 1e-6
_SHOWN = 2


class Words(Protocol):
    """`autograders.words`."""

    def __call__(self, message: str, args: dict[str, Any], language: str, unit: dict[str, Any] | None = None) -> str:
        """Put a message into words."""


class Judge:
    """Compares the verdicts of one unit with what its author states."""

    def __init__(self, unit: Unit, points: Mapping[str, float]) -> None:
        """Take the unit's card, and the points of its machine checks."""
        self._unit = unit.model_dump(mode="json")
        self._points = points
        # By name: no room below marking imports what check cells call.
        self._words: Words = importlib.import_module("autograders").words

    def knows(self, message: str) -> bool:
        """Say whether the general words have a message."""
        return self._words(message, {}, "en") != message

    def point_faults(self, verdict: Verdict, stated: Mapping[str, float], where: str) -> list[Fault]:
        """Return the checks that earned other points than stated."""
        if verdict.outcome is not Outcome.MARKED:
            said = "; ".join(self._sentences(verdict.notices, "en")) or "no reason given"
            return [Fault(where, f"marking it was our fault ({said})", "see that marking works, then check again")]
        results = {result.key: result for result in verdict.checks}
        faults = []
        for key, points in stated.items():
            result = results.get(key)
            if result is None:
                faults.append(Fault(where, f"marking says nothing of {key!r}", "report it: this is ours to mend"))
            elif abs(result.points - points) > _NEAR:
                said = " / ".join(self._sentences(result.messages, "en")[:_SHOWN])
                what = f"{key!r} earned {result.points:g}, stated are {points:g}" + (f" («{said}»)" if said else "")
                faults.append(Fault(where, what, "mend the check, the answer, or what is stated"))
        return faults

    def hint_faults(self, verdict: Verdict, hints: tuple[str, ...], where: str) -> list[Fault]:
        """Return the stated hints that the verdict does not give."""
        given = {name for result in verdict.checks for message in result.messages for name in _ids(message)}
        missing = [name for name in hints if name not in given]
        said = ", ".join(sorted(given)) or "nothing"
        return [
            Fault(where, f"the hint {name!r} was not given (given: {said})", "mend the check, or what is stated")
            for name in missing
        ]

    def message_faults(self, verdict: Verdict, where: str) -> list[Fault]:
        """Return the checks below full points whose message cannot be read in every language."""
        return [fault for result in verdict.checks for fault in self._unreadable(result, where)]

    def _unreadable(self, result: CheckResult, where: str) -> Iterator[Fault]:
        full = abs(result.points - self._points.get(result.key, result.max_points)) <= _NEAR
        if full or result.state is CheckState.BY_HAND:
            return
        place = f"{where}, {result.key!r}"
        if not result.messages:
            yield Fault(place, "it says nothing", "give its words an else_ with a message of unit.toml")
        for name, args in (one for message in result.messages for one in _parts(message)):
            english, *others = (self._words(name, args, language, self._unit) for language in LANGUAGES)
            own = name in self._unit["messages"]
            if english == name or not english.strip():
                yield Fault(place, f"the message {name!r} has no words", "add it to unit.toml [messages]")
            elif not own and english in others and any(letter.isalpha() for letter in english):
                yield Fault(place, f"the message {name!r} is not translated", "report it: this is ours to mend")

    def said(self, messages: tuple[Message, ...]) -> list[str]:
        """Return every sentence of these messages, in every language."""
        parts = [part for message in messages for part in _parts(message)]
        return [self._words(name, args, language, self._unit) for name, args in parts for language in LANGUAGES]

    def _sentences(self, messages: tuple[Message, ...], language: str) -> list[str]:
        return [self._words(message.id, message.args, language, self._unit) for message in messages]


def _parts(message: Message) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sentences of a message: itself, and where to look."""
    yield message.id, message.args
    if message.look is not None:
        yield message.look, message.args


def _ids(message: Message) -> Iterator[str]:
    """Yield every id in a message: its own, where to look, and those of messages among its arguments."""
    yield from (name for name, _ in _parts(message))
    yield from _nested_ids(list(message.args.values()))


def _nested_ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value["id"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _nested_ids(one)
