"""What came of a question, and what is said where it is not as expected."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from autograders import compare
from autograders.failure import CheckFailed, Fact
from autograders.session import packed, session
from autograders.untyped import GarbledError, unpack

UNANSWERED = frozenset({"call-slow", "gone-time", "gone-memory", "gone-died"})
"""Messages of answers that never came."""

_ERRORS = frozenset(
    name
    for name, one in vars(__import__("builtins")).items()
    if isinstance(one, type) and issubclass(one, BaseException)
)
_NOT_LOOKED = object()
_STUB = {"t": "ellipsis"}

Answer = dict[str, Any]


class Asked:
    """Something of hers: how it is called in messages, and its answer once somebody looks.

    Her value crosses as plain data (`_look`). The object itself stays where it is; a question about it is asked on
    what `_on` returns (`autograders.handles`).
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[bool], Answer],
        hold: Callable[[], Answer],
        *,
        quiet: str | None = None,
        called: Sequence[Any] | None = None,
    ) -> None:
        """Make it.

        Args:
            name: what it is called in messages.
            ask: answers with its plain data; told whether the arguments are wanted back.
            hold: answers with the object itself, as shared data.
            quiet: its name where hidden tests run: without any argument or key.
            called: the arguments, where it is the result of a call.
        """
        self._name = name
        self._quiet = quiet or name
        self._ask = ask
        self._hold = hold
        self._called = called
        self._answer: Answer | None = None
        self._held: Any = _NOT_LOOKED
        self._value: Any = _NOT_LOOKED

    def _ipython_display_(self) -> None:
        """Show nothing: the check has said what it has to say, and nbgrader would read a result as points."""

    # What came

    def _settled(self, answer: Answer) -> Answer:
        """Return an answer; raises where the question was never answered."""
        state = answer.get("state")
        if state == "missing":
            raise CheckFailed.of("name-missing", "look-name-missing", name=self._bare())
        if state == "stub":
            raise CheckFailed.of("still-to-write", "look-still-to-write", name=self._bare())
        if state == "slow":
            raise CheckFailed.of("call-slow", "look-call-slow", name=self._said())
        if state == "gone":
            why = answer.get("why")
            raise CheckFailed.of(f"gone-{why if why in ('time', 'memory') else 'died'}", None, name=self._bare())
        if state not in ("value", "closed", "raised"):
            raise CheckFailed.of("garbled", None, name=self._bare())
        return answer

    def _reply(self) -> Answer:
        """Return the answer with her plain data; raises where the question was never answered."""
        if self._answer is None:
            self._answer = self._ask(False)
        return self._settled(self._answer)

    def _look(self) -> Any:
        """Return her value; raises where there is none."""
        if self._value is not _NOT_LOOKED:
            return self._value
        answer = self._reply()
        if answer["state"] == "raised":
            self._raised(answer)
        self._value = self._plain(answer)
        if answer["state"] == "closed":
            raise CheckFailed.of(
                "not-callable", "look-not-callable", name=self._bare(), found=_quiet(compare.kind_word(self._value))
            )
        if self._value is ...:
            raise CheckFailed.of("still-to-write", "look-still-to-write", name=self._bare())
        return self._value

    def _plain(self, answer: Answer) -> Any:
        """Return the plain data of an answer."""
        try:
            return unpack(answer.get("value"))
        except GarbledError:
            raise CheckFailed.of("garbled", None, name=self._bare()) from None

    def _on(self, *, or_none: bool = False) -> Any:
        """Return what a question about the object itself is asked on; raises where there is none."""
        if self._held is _NOT_LOOKED:
            answer = self._settled(self._hold())
            if answer["state"] == "raised":
                self._raised(answer)
            self._held = _echo(answer.get("value"))
        if self._held == _STUB:
            raise CheckFailed.of("still-to-write", "look-still-to-write", name=self._bare())
        if self._held is None and not or_none and self._called is not None:
            self._reply()  # it says so where the function is still to be written
            raise CheckFailed.of("returns-nothing", "look-returns-nothing", name=self._said())
        return self._held

    def _is_held(self) -> bool:
        return self._held is not _NOT_LOOKED

    def _raised(self, answer: Answer) -> None:
        if session.silent_facts:
            # Not even which error: her function could choose one by what it was called with.
            raise CheckFailed.of("call-raised-unseen", "look-call-raised", name=self._said())
        text, code = (str(answer.get(part) or "")[:200] for part in ("text", "code"))
        args = {"name": self._said(), "error": str(answer.get("error"))[:60], "text": text or "—", "code": code}
        raise CheckFailed.of("call-raised-at" if code else "call-raised", "look-call-raised", **args)

    # What it holds

    def _inside(self, name: str, quiet: str, value: Any) -> Self:
        """Return a part of the plain data."""
        part = type(self)(
            name, self._ask, lambda: {"state": "value", "value": packed(value)}, quiet=quiet, called=self._called
        )
        part._answer, part._value = self._answer, value
        return part

    def _beside(self, name: str, quiet: str, answer: Answer, called: Sequence[Any] | None = None) -> Self:
        """Return what came of a question about the object itself."""
        if error_name(answer) == "NotImplementedError":
            answer = {"state": "stub"}

        def ask(back: bool) -> Answer:
            if back:
                raise TypeError("leaves_arguments() looks at what `expect.call` was given")
            if answer.get("state") != "value":
                return answer
            plain = session.source.ask({"op": "get", "on": _echo(answer.get("value")), "plain": True})
            return {**plain, "printed": answer.get("printed", "")}

        return type(self)(name, ask, lambda: answer, quiet=quiet, called=called)

    # What is said

    def _bare(self) -> str:
        return re.split(r"[(.\[]", self._name, maxsplit=1)[0] if "/" not in self._name else self._name

    def _said(self) -> str:
        return self._quiet if session.silent_facts else self._name

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
        if session.silent_facts:
            # Nor what the check gives to the message: it may be hers, and hers what she was called with.
            shape = {name: _quiet(kind) for name, kind in args.items() if general == "kind-differs"}
            id_ = else_ or ("kind-differs" if shape else "unseen-differs")
            raise CheckFailed((Fact(id_, {"name": self._said(), **shape}, look),))
        facts = dict(facts or {})
        facts.update(facts.pop("args", None) or {})
        raise CheckFailed((Fact(else_ or general, {"name": self._name, **args, **facts}, look),))


def _echo(value: Any) -> Any:
    """Return shared data as they are handed back: what stays where it is by its token alone."""
    if type(value) is dict:
        if type(value.get("r")) is str:
            return {"t": "ref", "r": value["r"]}
        return {part: _echo(one) for part, one in value.items()}
    return [_echo(one) for one in value] if type(value) is list else value


def _quiet(kind: Any) -> Any:
    """Return a kind without the name of a class of hers, where no fact may be said."""
    if session.silent_facts and isinstance(kind, dict) and kind["id"] == "kind-other":
        return {"id": "kind-unseen", "args": {}}
    return kind


def error_name(answer: Mapping[str, Any]) -> str:
    """Return the first builtin name among an error's kinds: her own class's name could say anything."""
    names = (kind.removeprefix("builtins.") for kind in answer.get("kinds") or ())
    return next((name for name in names if name in _ERRORS), "Exception")


def given(value: Any) -> Any:
    """Return an argument as it is handed over: plain data, or something of hers, which stays where it is.

    Raises:
        TypeError: the author gave something that cannot cross into the box.
    """
    return value._on() if isinstance(value, Asked) else packed(value)


def called_with(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the arguments of a call as a message shows them."""
    return ", ".join([*map(_short, args), *(f"{key}={_short(one)}" for key, one in kwargs.items())])


def _short(value: Any) -> str:
    if isinstance(value, Asked):
        return value._said()
    text = repr(value) if type(value) in (int, float, str, bool, list, tuple, dict, type(None)) else "…"
    return text if len(text) <= 40 else "…"


def parts_of(parts: str | Iterable[str | tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the parts a text must have, each as the forms it may take."""
    if isinstance(parts, str):
        return [(parts,)]
    return [(one,) if isinstance(one, str) else tuple(one) for one in parts]


def lacking(text: str, parts: str | Iterable[str | tuple[str, ...]], *, lenient: bool = True) -> list[str]:
    """Return the parts that a text does not have, by their first form."""
    tidied = tidy(text, lenient=lenient)
    return [forms[0] for forms in parts_of(parts) if not any(tidy(one, lenient=lenient) in tidied for one in forms)]


def tidy(text: str, *, lenient: bool) -> str:
    """Return a text as it is compared."""
    return " ".join(text.split()).casefold() if lenient else text
