"""Every word of a check with what it accepts and what it refuses; `python -m scripts.vocabulary` writes the page.

The page (docs/vocabulary.md, docs/vocabulary.fr.md) is written by running the examples: what a refused line says is
what stands under it. tests/unit/autograders/test_vocabulary.py runs them all, and compares the page.
"""

import contextlib
import inspect
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograders import CheckFailed, Expectation, answers, cybersecurity, expect, set_language, words
from autograders.files import File
from autograders.rules import is_about_her_data
from autograders.session import session
from autograders.vocabulary import Expect
from autograders.web_dev import Page

TEXTS = Path(__file__).parent / "words"
DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {"en": DOCS / "vocabulary.md", "fr": DOCS / "vocabulary.fr.md"}
WORDS = {"expect": Expect, "Expectation": Expectation, "File": File, "Page": Page}
OF_TRACKS = {"cybersecurity": (cybersecurity, ("argon2id", "compares_evenly", "enough_cost", "long_salt"))}
"""Modules of `autograders` for one track, and their functions that expect something."""
_OURS = {"begin"}  # of the examiner, not of authors
UNIT = {
    "messages": {
        "even": {"en": "An even number was asked for.", "fr": "Un nombre pair était demandé."},
        "mean-not-median": {
            "en": "{found} is the mean. The task asks for the median.",
            "fr": "{found}, c’est la moyenne. La tâche demande la médiane.",
        },
        "beats": {
            "en": "Your model finds {found} of {most}. Guessing finds {least}.",
            "fr": "Ton modèle en trouve {found} sur {most}. En devinant, on en trouve {least}.",
        },
    }
}


@dataclass(frozen=True)
class Example:
    """A word and what it means (in French: words/fr.json); her code; checks that are met, and checks that are not.

    `liars`: her code where it lies in a way of this word's own (tests/unit/autograders/test_liars.py has the others).
    """

    word: str
    says: str
    hers: str
    accepts: tuple[str, ...]
    refuses: tuple[str, ...]
    liars: tuple[str, ...] = ()


def public_words() -> dict[str, Any]:
    """Return the words of authors: `Class.word` -> function or property."""
    found = {"expect": Expect.__call__}
    for title, kind in WORDS.items():
        for name, one in inspect.getmembers(kind):
            if not name.startswith("_") and name not in _OURS:
                found[f"{title}.{name}"] = one
    for title, (module, names) in OF_TRACKS.items():
        found |= {f"{title}.{name}": getattr(module, name) for name in names}
    return found


def signature(word: str, one: Any) -> str:
    """Return a word with its parameters, as the snapshot holds it."""
    if isinstance(one, property):
        return word
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in inspect.signature(one).parameters.values()]
    # The first one of a method is the thing itself.
    own = plain if word.partition(".")[0] in OF_TRACKS else plain[1:]
    return f"{word}{inspect.Signature(own)}"


@contextlib.contextmanager
def notebook(hers: str) -> Iterator[dict[str, Any]]:
    """Run her code in an empty folder and let the words look at its names."""
    names: dict[str, Any] = {"__name__": "__main__"}
    before, main = answers.namespace, sys.modules["__main__"]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("unit.json").write_text(json.dumps(UNIT), "utf-8")
        answers.namespace = lambda: names
        _plain_figures()
        expect.begin()
        module = type(sys)("__main__")
        module.__dict__.update(names)
        sys.modules["__main__"] = module
        names = module.__dict__
        try:
            with contextlib.redirect_stdout(None):
                exec(compile(hers, "<hers>", "exec"), names)  # noqa: S102  an example of this file
            yield names
        finally:
            sys.modules["__main__"] = main
            answers.namespace = before
            _plain_figures()
            expect.begin()


def _plain_figures() -> None:
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use("Agg")
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def run(check: str) -> object:
    """Run a check as the examiner does; its parts missed are raised, too."""
    names: dict[str, Any] = {"expect": expect, "cybersecurity": cybersecurity}
    exec(compile("import numpy as np, pandas as pd", "<check>", "exec"), names)  # noqa: S102
    expect.begin()
    exec(compile(check, "<check>", "exec"), names)  # noqa: S102  an example of this file
    for part in expect.parts:
        if part.facts:
            raise CheckFailed(part.facts)
    return None


def said(check: str, language: str) -> list[str]:
    """Return what a check says; nothing where it is met."""
    set_language(language)
    try:
        run(check)
    except CheckFailed as failed:
        return failed.lines()
    except Exception as error:
        if not is_about_her_data(error, looked=session.looked):
            raise
        return [words("unforeseen", {}, language)]
    finally:
        set_language("en")
    return []


_MARKS = {
    "en": {"hers": "her notebook", "accepts": "accepted", "refuses": "refused"},
    "fr": {"hers": "son carnet", "accepts": "accepté", "refuses": "refusé"},
}


def page(language: str) -> str:
    """Return the page in a language."""
    from scripts.vocabulary_examples import EXAMPLES  # noqa: PLC0415  they are made of `Example`

    known, marks = public_words(), _MARKS[language]
    blocks = [(TEXTS / f"head.{language}.md").read_text("utf-8")]
    says = _sentences(language)
    for one in EXAMPLES:
        lines = [f"# {marks['hers']}", *one.hers.strip().splitlines(), "", f"# {marks['accepts']}"]
        lines += [line for check in one.accepts for line in check.splitlines()]
        lines += ["", f"# {marks['refuses']}"]
        for check in one.refuses:
            with notebook(one.hers):
                told = said(check, language)
            lines += [*check.splitlines(), *(f"#   {line}" for line in told)]
        shown = _shown(signature(one.word, known[one.word]))
        blocks.append(f"## `{shown}`\n\n{says.get(one.word, one.says)}\n\n```python\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(blocks)


def _sentences(language: str) -> dict[str, str]:
    """Return what is said of each word in another language than English."""
    file = TEXTS / f"{language}.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def _shown(text: str) -> str:
    """Return a signature as a heading: without what every word has."""
    shorter = re.sub(r", (else_=None|look=None|\*\*facts|\*\*args)", "", text)
    return shorter.replace("*, else_=None", "").replace(", *)", ")").replace("(*)", "()")


if __name__ == "__main__":
    for reader, file in PAGES.items():
        file.write_text(page(reader), "utf-8")
