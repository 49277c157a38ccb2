"""The words about what an object holds and does: entries, attributes, methods. It stays where it is."""

from typing import Any, Self

from autograders import compare, frames
from autograders.asked import Asked, called_with, error_name, given
from autograders.session import session
from autograders.typed import Opaque


class Live(Asked):
    """Looks inside."""

    @property
    def value(self) -> Any:
        """Her answer as plain data (int, str, list, DataFrame … of exactly these types), for Python of your own.

        Raises CheckFailed where it does not exist, is a stub, or the call raised an error. An error that your
        own Python meets in unforeseen data (KeyError, TypeError …) counts as «not met»; `satisfies` lets you say why.
        """
        session.looked = True
        return self._look()

    def item(self, key: Any, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect an entry, and look at it: a dict's or Series' by its key, a list's by its place (from 0).

        An object that is neither is asked itself (`thing[key]`).
        """
        found = self._look()
        if type(found) is Opaque and not found.too_big:
            return self._item_of_object(key, else_, look, facts)
        held = found.to_dict() if frames.is_series(found) else found
        if type(held) in (list, tuple):
            if type(key) is not int:
                raise TypeError("an item of a list is a whole number")
            if not -len(held) <= key < len(held):
                self._fail("item-missing", else_, look, {"place": key, "found": len(held)}, facts)
        elif type(held) is not dict:
            self._other_kind("kind-dict", found, look)
        elif key not in held:
            args = {"keys": [compare.shown(key)], "found": [compare.shown(one) for one in held][:12]}
            self._fail("keys-missing", else_, look, args, facts)
        if type(held[key]) is Opaque:
            return self._item_of_object(key, else_, look, facts)
        return self._inside(*self._named_item(key), held[key])

    def _named_item(self, key: Any) -> tuple[str, str]:
        return f"{self._name}[{key!r}]", f"{self._quiet}[…]"

    def _item_of_object(self, key: Any, else_: str | None, look: str | None, facts: dict[str, Any]) -> Self:
        question = {"op": "special", "on": self._on(), "attr": "__getitem__", "args": [given(key)]}
        answer = session.source.ask(question)
        name = error_name(answer) if answer.get("state") == "raised" else ""
        if name in ("KeyError", "IndexError"):
            self._fail("entry-missing", else_, look, {"key": compare.shown(key)}, facts)
        if name in ("AttributeError", "TypeError"):
            self._other_kind("kind-dict", self._look(), look)
        return self._beside(*self._named_item(key), answer)

    def attribute(self, name: str, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect an attribute, and look at its value."""
        answer = session.source.ask({"op": "attr", "on": self._on(), "attr": name})
        if answer.get("state") == "raised" and error_name(answer) == "AttributeError":
            self._fail("attribute-missing", else_, look, {"attribute": name}, facts)
        return self._beside(f"{self._name}.{name}", f"{self._quiet}.{name}", answer)

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> Self:
        """Call this method of hers with copies of these arguments, now, and look at the result.

        Calls of one object happen in the order in which they are written, on the same object.
        """
        function = self.attribute(method, look="look-method-missing")
        ask = {"op": "call", "on": function._on()}
        if type(function._look()) is not Opaque:
            self._fail("method-missing", None, "look-method-missing", {"attribute": method})
        answer = session.source.ask(
            {**ask, "args": [given(one) for one in args], "kwargs": {key: given(one) for key, one in kwargs.items()}}
        )
        shown = f"{self._name}.{method}({called_with(args, kwargs)})"
        return self._beside(shown, f"{self._quiet}.{method}(…)", answer, called=args)
