"""Errors explained in her language, in her own notebook: first in plain words, then what Python says, folded.

The words are friendly-traceback's. It is imported at the first error, and asked about her own frames alone: reading a
library's source takes seconds. Python's message is never changed: its last line stays in red, the whole of it is under
the fold, and `%tb`, `%debug` and `%xmode` work as ever. Marking never comes here: only the bar asks for it.
"""

import contextlib
import html
import os
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograders.catalogue import language, words

CHOICE = Path(".jupyter/passerelle-explain-errors")
"""Her own choice, in her home: `on` or `off`. Without one, PASSERELLE_EXPLAIN_ERRORS says so."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"\{[a-z_]+\}")
_NOTHING = re.compile(
    r"\n?(I have no additional information for you|Je n’ai pas d’informations supplémentaires pour vous)\."
)
_AT_A_LOSS = "friendly-traceback/issues/new"
"""What the library's own faults end with, in every language: nothing that she could use."""
_MOST = 2_000  # characters of an explanation


def watch() -> None:
    """Explain errors in this kernel from now on, as long as she wishes it. Twice is once."""
    interactive = sys.modules.get("IPython")
    shell: Any = interactive.get_ipython() if interactive is not None else None
    if shell is None or getattr(shell._showtraceback, "explains", False):
        return
    show = shell._showtraceback

    def explained(etype: type[BaseException], error: BaseException, lines: list[str]) -> None:
        told = None
        if is_wanted() and isinstance(error, Exception) and not _has_words_of_its_own(error):
            # Whatever goes amiss here, Python's own message is shown.
            with contextlib.suppress(Exception):
                told = explanation(error)
        if not told:
            show(etype, error, lines)
            return
        _display(told, lines)
        show(etype, error, lines[-1:])

    explained.explains = True  # type: ignore[attr-defined]
    shell._showtraceback = explained


def _has_words_of_its_own(error: Exception) -> bool:
    """Say whether an author has put an error into words: a check of ours, or a plain assert."""
    return hasattr(error, "_render_traceback_") or isinstance(error, AssertionError)


def is_wanted() -> bool:
    """Say whether errors are explained: as she chose, else as the environment says, else yes."""
    with contextlib.suppress(OSError, UnicodeError):
        return (Path.home() / CHOICE).read_text("utf-8").strip() != "off"
    return os.environ.get("PASSERELLE_EXPLAIN_ERRORS", "on") != "off"


def explanation(error: BaseException) -> list[str]:
    """Return the paragraphs that explain an error in her language: what it means, why it came, what may help."""
    told: dict[str, Any] = _asked_of_friendly(error)
    found = (_NOTHING.sub("", str(told.get(part) or "")).strip() for part in ("generic", "cause", "suggest"))
    # A sentence with a place that the library has not filled says nothing.
    kept = [text for text in found if text and not (_PLACE.search(text) and "{" not in str(error))]
    return [text[:_MOST] for text in kept if _AT_A_LOSS not in text]


def _asked_of_friendly(error: BaseException) -> dict[str, Any]:
    from friendly_traceback.config import session  # noqa: PLC0415  a third of a second, at the first error
    from friendly_traceback.core import FriendlyTraceback  # noqa: PLC0415

    session.install_gettext(language())
    with _alone(error):
        frames = _hers(error.__traceback__)
        asked = FriendlyTraceback(type(error), error, frames)  # type: ignore[arg-type]  # without any, it says less
        asked.assign_generic()
        asked.assign_cause()
    return dict(asked.info)


def _hers(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback of the frames of her notebook alone; all of it where there is none."""
    kept = []
    one = trace
    while one is not None:
        name = one.tb_frame.f_code.co_filename
        if "ipykernel_" in name or name.startswith("<ipython-input"):
            kept.append(one)
        one = one.tb_next
    made: types.TracebackType | None = None
    for one in reversed(kept):
        made = types.TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made or trace


@contextlib.contextmanager
def _alone(error: BaseException) -> Iterator[None]:
    """Take away meanwhile what an error came of: it is of a library mostly, and its source is long."""
    cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
    error.__cause__ = error.__context__ = None
    try:
        yield
    finally:
        error.__cause__, error.__context__, error.__suppress_context__ = cause, context, suppressed


def _display(told: list[str], lines: list[str]) -> None:
    reader = language()
    whole = _COLOURS.sub("", "\n".join(map(str, lines)))
    title, fold = words("explained-title", {}, reader), words("explained-fold", {}, reader)
    off = words("explained-off", {}, reader)
    said = "".join(map(_as_html, told))
    shown: Any = sys.modules["IPython"].display.display
    data = {
        "text/plain": "\n\n".join([title, *told, whole]),
        "text/html": f'<div lang="{html.escape(reader)}"><p><strong>{html.escape(title)}</strong></p>{said}'
        f"<details><summary>{html.escape(fold)}</summary>"
        f'<pre lang="en">{html.escape(whole)}</pre><p>{html.escape(off)}</p></details></div>',
    }
    shown(data, raw=True)


def _as_html(text: str) -> str:
    safe = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text))
    # Lines that are set in are code, or point at it.
    return f"<pre>{safe}</pre>" if "\n    " in text else f"<p>{' '.join(safe.splitlines())}</p>"
