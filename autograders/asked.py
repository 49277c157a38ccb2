"""What came of a question, and what is said where it is not as expected."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from autograders import compare
from autograders.failure import CheckFailed, Fact
from autograders.session import session
from autograders.untyped import GarbledError, unpack

UNANSWERED = frozenset({"call-slow", "gone-time", "gone-memory", "gone-died"})
"""Messages of answers that never came."""

_ERRORS = frozenset(
    name
    for name, one in vars(__import__("builtins")).items()
    if isinstance(one, type) and issubclass(one, BaseException)
)
_NOT_LOOKED = object()


class Asked:
    """Something of hers: how it is called in messages, and its answer once somebody looks."""

    def __init__(
        self, name: str, ask: Callable[[bool], dict[str, Any]], *, called: Sequence[Any] | None = None
    ) -> None:
        self._name = name
        self._ask = ask
        self._called = called
        self._answer: dict[str, Any] | None = None
        self._value: Any = _NOT_LOOKED

    # What came

    def _reply(self) -> dict[str, Any]:
        """Return the answer; raises where the question was never answered."""
        if self._answer is None:
            self._answer = self._ask(False)
        state = self._answer.get("state")
        if state == "missing":
            raise CheckFailed.of("name-missing", "look-name-missing", name=self._bare())
        if state == "stub":
            raise CheckFailed.of("still-to-write", "look-still-to-write", name=self._bare())
        if state == "slow":
            raise CheckFailed.of("call-slow", "look-call-slow", name=self._said())
        if state == "gone":
            why = self._answer.get("why")
            raise CheckFailed.of(f"gone-{why if why in ('time', 'memory') else 'died'}", None, name=self._bare())
        return self._answer

    def _look(self) -> Any:
        """Return her value; raises where there is none."""
        if self._value is not _NOT_LOOKED:
            return self._value
        answer = self._reply()
        if answer["state"] == "raised":
            self._raised(answer)
        try:
            self._value = unpack(answer.get("value"))
        except GarbledError:
            raise CheckFailed.of("garbled", None, name=self._bare()) from None
        if answer["state"] == "closed":
            raise CheckFailed.of(
                "not-callable", "look-not-callable", name=self._bare(), found=_quiet(compare.kind_word(self._value))
            )
        if self._value is ...:
            raise CheckFailed.of("still-to-write", "look-still-to-write", name=self._bare())
        return self._value

    def _raised(self, answer: dict[str, Any]) -> None:
        if session.silent_facts:
            raise CheckFailed.of("call-raised-unseen", "look-call-raised", name=self._said(), error=error_name(answer))
        text, code = (str(answer.get(part) or "")[:200] for part in ("text", "code"))
        args = {"name": self._said(), "error": str(answer.get("error"))[:60], "text": text or "—", "code": code}
        raise CheckFailed.of("call-raised-at" if code else "call-raised", "look-call-raised", **args)

    # What is said

    def _bare(self) -> str:
        return self._name.partition("(")[0]

    def _said(self) -> str:
        return re.sub(r"\(.*?\)", "(…)", self._name) if session.silent_facts else self._name

    def _other_kind(self, expected: str, found: Any, look: str | None) -> None:
        if found is None and self._called is not None:
            raise CheckFailed.of("returns-nothing", look or "look-returns-nothing", name=self._said())
        self._fail(
            "kind-differs", None, look, {"expected": {"id": expected, "args": {}}, "found": compare.kind_word(found)}
        )

    def _differs(
        self,
        differs: compare.Difference,
        found: Any,
        value: Any,
        else_: str | None,
        look: str | None,
        facts: dict[str, Any],
    ) -> None:
        """Say that a value is another one; a value of another kind has its general sentence."""
        if found is None and value is not None and self._called is not None:
            raise CheckFailed.of("returns-nothing", look or "look-returns-nothing", name=self._said())
        self._fail(differs.id, None if differs.id == "kind-differs" else else_, look, differs.args, facts)

    def _fail(
        self,
        general: str,
        else_: str | None,
        look: str | None,
        args: dict[str, Any],
        facts: dict[str, Any] | None = None,
    ) -> None:
        facts = dict(facts or {})
        facts.update(facts.pop("args", None) or {})
        if session.silent_facts:
            shape = {name: _quiet(kind) for name, kind in args.items() if general == "kind-differs"}
            id_ = else_ or ("kind-differs" if shape else "unseen-differs")
            raise CheckFailed((Fact(id_, {"name": self._said(), **shape, **facts}, look),))
        raise CheckFailed((Fact(else_ or general, {"name": self._name, **args, **facts}, look),))


def _quiet(kind: Any) -> Any:
    """Return a kind without the name of a class of hers, where no fact may be said."""
    if session.silent_facts and isinstance(kind, dict) and kind["id"] == "kind-other":
        return {"id": "kind-unseen", "args": {}}
    return kind


def error_name(answer: dict[str, Any]) -> str:
    """Return the first builtin name among an error's kinds: her own class's name could say anything."""
    return next((kind for kind in answer.get("kinds") or () if kind in _ERRORS), "Exception")
