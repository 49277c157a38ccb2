"""The browser that looks at submitted pages: one a marker, behind a wall of its own, with no network at all.

The page's files come from the examiner, which had them from the box. What comes back is what the browser itself saw
(`autograders.web_tree`), and pictures for the feedback.
"""

import atexit
import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import autograders
from autograders.web_warm import NoBrowserError, Warm
from passerelle.grading.unboxed import is_unboxed
from passerelle.grading.walls import BoxError, browser_command
from passerelle.model.errors import ServiceError

Ask = Callable[[Mapping[str, Any]], bytes]
WIDTHS = (375, 1280)
"""Of the pictures: a telephone and a desk."""

_warm: dict[tuple[int, Path], Warm] = {}


class BrowserError(ServiceError):
    """There is no browser to look at a page with: ours to mend, never costs a point."""

    @classmethod
    def of(cls, said: str) -> "BrowserError":
        """Build the error from what was said."""
        return cls(
            f"marking: no browser could look at a page ({said}); install chromium (apt-get install chromium), "
            "and marking goes on by itself"
        )


class Pages:
    """Answers the examiner's questions about pages in one marking, and keeps the pictures, by path of the page."""

    def __init__(self, learner: Path, widths: Sequence[int] = WIDTHS) -> None:
        self._learner, self._widths = learner, widths
        self.pictures: dict[str, Sequence[Mapping[str, Any]]] = {}

    def beside(
        self, ask: Callable[[Mapping[str, Any]], bytes], seen: list[str]
    ) -> Callable[[Mapping[str, Any]], bytes]:
        """Return who answers all questions: those about pages here, others where they were asked before.

        `seen` takes the paths of the pages that were looked at.
        """

        def asked(question: Mapping[str, Any]) -> bytes:
            if question.get("ask") != "browse":
                return ask(question)
            seen.append(str(question["path"]))
            return json.dumps({"state": "value", "value": self._browse(question)}).encode()

        return asked

    def _browse(self, question: Mapping[str, Any]) -> dict[str, Any]:
        try:
            files = {name: base64.b64decode(body) for name, body in question["files"].items()}
        except (binascii.Error, ValueError) as error:
            raise BrowserError.of(f"the examiner sent no files: {error}") from None
        path, axe = str(question["path"]), bool(question["axe"])
        try:
            told = browser(self._learner).look(
                files, path, width=int(question["width"]), axe=axe, pictures=() if axe else self._widths
            )
        except NoBrowserError as error:
            said = str(error)
            raise (BoxError.did_not_start(said) if said.startswith("bwrap:") else BrowserError.of(said)) from None
        if told.get("pictures"):
            self.pictures.setdefault(path, told["pictures"])
        return {name: part for name, part in told.items() if name != "pictures"}

    def close(self) -> None:
        """End this marking: what made trouble is looked at again in the next."""
        browser(self._learner).forget_trouble()


def browser(learner: Path) -> Warm:
    """Return this process's browser; it starts when it is asked first, and ends with the process."""
    place = (os.getpid(), learner)
    if place not in _warm:
        _warm[place] = Warm(partial(_command, learner), _environment(learner))
    return _warm[place]


def end_browsers() -> None:
    """End the browsers of this process."""
    for (pid, _learner), warm in list(_warm.items()):
        if pid == os.getpid():
            warm.close()


atexit.register(end_browsers)


def _command(learner: Path, descriptor: int) -> list[str]:
    if is_unboxed():
        return [str(learner / "bin" / "python"), "-P", "-m", "autograders.web_browser", str(descriptor)]
    return browser_command(learner, descriptor)


def _environment(learner: Path) -> dict[str, str]:
    root = str(Path(autograders.__file__).parent.parent) if is_unboxed() else "/passerelle"
    return {
        "PYTHONPATH": root,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/tmp",  # noqa: S108  inside
        "TMPDIR": "/tmp",  # noqa: S108  inside
        "PATH": f"{learner}/bin:/usr/bin:/bin",
    }
