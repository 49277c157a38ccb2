"""Commands whose options are texts, paths and flags, which are taken as they come.

Typer looks at every value through pydantic, which takes longer to import than an export of a hundred fellows to write.
Of a text or a path there is nothing to look at; whatever else an option holds is looked at as ever.
"""

from pathlib import Path
from typing import Any

from typer._coercion import RuntimeParam  # what typer asks for a value; it is looked up here, and nowhere documented
from typer.core import TyperCommand, TyperGroup, TyperOption

_PLAIN = (str, Path, list[str], bool)


class _AsItComes(RuntimeParam):
    """Takes the texts of the command line; a flag has no text."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002  # typer's signature
        if self.annotation == list[str]:
            return list(value)
        return Path(value) if self.annotation is Path else value


class _PlainOption(TyperOption):
    def get_runtime_param(self) -> RuntimeParam:
        known = self.type_descriptor
        if known.annotation not in _PLAIN or self.envvar is not None:
            return super().get_runtime_param()
        return _AsItComes(known.parameter_info, known.annotation)


def _with_plain(params: list[Any]) -> list[Any]:
    for one in params:
        if type(one) is TyperOption:
            one.__class__ = _PlainOption
    return params


class PlainCommand(TyperCommand):
    """A command that starts without pydantic: `cls` of one that must be quick."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them."""
        return _with_plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of commands that starts without pydantic: every group above a `PlainCommand`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them."""
        return _with_plain(super().get_params(ctx))
