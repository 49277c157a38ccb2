"""Marks an attack with our own marking, and says what of it must not be."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from passerelle.grading import mark
from passerelle.grading.feedback import feedback_page
from passerelle.grading.layout import allow_elsewhere
from passerelle.grading.walls import Limits
from passerelle.grading.watch import below
from passerelle.hub.formgrader import formgrade_exporter
from passerelle.model.errors import PasserelleError
from passerelle.model.verdict import Trust, Verdict
from tests.attacks.attack import REACHED, Attack
from tests.attacks.tiny import KINDS, PLAIN, POINTS, RIGHT, SECRETS, TASKS, UNIT, WORDS, make_courses, release

LEARNER = Path(sys.prefix)
QUICK = Limits(cell_s=1.5, call_s=1.0, total_s=12)
SHARED = ("/tmp", "/var/tmp", "/dev/shm")
LEFT = ("left.py", "outside", "outside.py", "outside.txt", "seen", "turns", "first")
"""How attacks name the files that they leave in places all programs share."""
MOST_S = 240.0
"""An attack that uses up every limit there is needs less than half of this on a busy machine."""
SLEEPER = "98765"
"""What attacks that leave a program behind have it sleep: nobody else sleeps for so long."""
NEIGHBOUR = {"mean": RIGHT["mean"], "double": "def double(number):\n    return number", "words": WORDS}
NEIGHBOURS = {"mean": 1.0, "double": 0.0, "total": 0.0, "money": 0.0}


@dataclass
class Found:
    """What came of an attack in one kind of unit; `bad` is empty where everything is as it must be."""

    points: dict[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    notebooks: Mapping[str, NotebookNode] = field(default_factory=dict)
    seconds: float = 0.0
    bad: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        """Return all that a verdict and its notebook's outputs say."""
        outputs = [cell.get("outputs", []) for made in self.notebooks.values() for cell in made.cells]
        return (self.verdict.model_dump_json() if self.verdict else "") + json.dumps(outputs)

    @property
    def told(self) -> str:
        """Say it in a cell of the table: points, trust, whether tampering was seen."""
        if self.verdict is None:
            return "; ".join(self.bad)
        states = sorted({one.state.value for one in self.verdict.checks if one.state.value != "by-hand"})
        words = [f"{sum(self.points.values()):g}", "/".join(states)]
        if self.verdict.trust is not Trust.EXAMINED:
            words.append(self.verdict.trust.value)
        if self.verdict.tampering:
            words.append(
                f"tampering ({', '.join(sorted(str(one.args.get('check')) for one in self.verdict.tampering))})"
            )
        return ", ".join([*words, *(f"**{one}**" for one in self.bad)])


class Judge:
    """Holds the courses, and what they and this process were like before anybody attacked."""

    def __init__(self, root: Path) -> None:
        self.courses = make_courses(root)
        allow_elsewhere(self.courses[PLAIN])
        for kind in KINDS:
            self.must_be(kind, RIGHT, POINTS)  # finds the routes, too, which are kept in the course directory
            self.must_be(kind, NEIGHBOUR, NEIGHBOURS)
        self._courses = {kind: _digest(course) for kind, course in self.courses.items()}

    def must_be(self, kind: str, answers: Mapping[str, str], points: Mapping[str, float]) -> None:
        """Mark an honest submission; AssertionError where it has not its points."""
        found = self.marked(kind, sent(kind, Attack("honest", "", answers)))
        assert found.points == points, (kind, found.points, found.verdict)

    def judge(self, kind: str, attack: Attack) -> Found:
        """Mark an attack; say what is not as it must be."""
        before, opened, files = children(), descriptors(), _files()
        found = self.marked(kind, sent(kind, attack))
        if attack.then is not None:
            second = self.marked(kind, sent(kind, replace(attack, answers=attack.then)))
            found.bad += [f"the next {one}" for one in _gains(kind, attack, second)]
        found.bad += _gains(kind, attack, found)
        found.bad += [f"loses {task}" for task in attack.keeps if found.points.get(task) != POINTS[task]]
        found.bad += ["says a secret"] if any(secret in found.said for secret in SECRETS) else []
        found.bad += ["got out"] if REACHED in found.said else []
        found.bad += ["without end"] if found.seconds > MOST_S else []
        found.bad += _runs_on_pages(found) if attack.shown else []
        until = time.monotonic() + 15
        while (left := (children() - before) | _sleepers()) and time.monotonic() < until:
            time.sleep(0.1)
        found.bad += [f"leaves processes: {sorted(left)}"] if left else []
        if descriptors() > opened:
            found.bad.append(f"leaves {descriptors() - opened} descriptors")
        if new := _files() - files:
            found.bad.append(f"leaves files: {sorted(new)[:3]}")
        if _digest(self.courses[kind]) != self._courses[kind]:
            found.bad.append("changes the course directory")
        return found

    def marked(self, kind: str, files: dict[str, bytes]) -> Found:
        """Mark files; where there is no verdict, say why."""
        found, began = Found(), time.monotonic()
        try:
            marked = mark(self.courses[kind], UNIT, files, learner=LEARNER, limits=QUICK)
        except PasserelleError as error:
            found.bad.append(f"stops marking: {type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            found.bad.append(f"stops marking with {type(error).__name__}: {error}")
        else:
            found.verdict, found.notebooks = marked.verdict, marked.notebooks
            keys = {one.key.removeprefix("check-"): one.points for one in marked.verdict.checks}
            found.points = {task: keys[task] for task in TASKS}
        found.seconds = time.monotonic() - began
        return found


def sent(kind: str, attack: Attack) -> dict[str, bytes]:
    """Return the files of an attack's submission."""
    notebook: Any = release(kind, attack.answers)
    if attack.edit is not None:
        changed = attack.edit(notebook)
        notebook = notebook if changed is None else changed
    content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    return {**attack.files, f"{UNIT}.ipynb": content}


def _gains(kind: str, attack: Attack, found: Found) -> list[str]:
    more = {task: most for task, most in found.points.items() if most > attack.deserves.get(task, 0.0)}
    if not more or (kind == PLAIN and found.verdict is not None and found.verdict.tampering):
        return []
    return [f"gains {' '.join(f'{task}:{most:g}' for task, most in more.items())}"]


# Pages


def _runs_on_pages(found: Found) -> list[str]:
    """Say what of a submission could run on a page for trainer or fellow."""
    bad = []
    for name, notebook in found.notebooks.items():
        resources = {"base_url": "/x", "notebook_id": name, "submission_id": "0", "index": 0, "total": 1}
        facts = {"notebook": name, "score": 0.0, "max_score": 7.0, "late_penalty": 0.0, "cells": {}, "comments": {}}
        pages: dict[str, Callable[[], str]] = {
            "formgrader": lambda: str(formgrade_exporter().from_notebook_node(notebook, resources=dict(resources))[0]),  # noqa: B023
            "feedback": lambda: feedback_page(notebook, facts, "fr"),  # noqa: B023
        }
        for page, render in pages.items():
            try:
                bad += [f"runs in {page}: {one}" for one in running(render())]
            except Exception as error:  # noqa: BLE001  a page that cannot be shown is no page
                bad.append(f"{page} stops with {type(error).__name__}: {error}"[:200])
    return bad


def running(page: str) -> list[str]:
    """Return what of an attack (each calls `attack(…)`) could run on a page."""
    found = []
    for tag in BeautifulSoup(page, "html.parser").find_all(True):
        if tag.name == "script" and "attack(" in tag.get_text():
            found.append(f"<script> {tag.get_text()[:40]}")
        for name, value in tag.attrs.items():
            text = " ".join(value) if isinstance(value, list) else str(value)
            address = text.replace("\t", "").replace("\n", "").strip().lower()
            if (name[:2] == "on" and "attack(" in text) or address.startswith(("javascript:", "data:text/html")):
                found.append(f"<{tag.name} {name}={text[:40]}")
            if name == "srcdoc" or (
                tag.name in ("iframe", "object", "embed", "base") and name in ("src", "data", "href")
            ):
                found.append(f"<{tag.name} {name}={text[:40]}")
    return found


# What stays behind


def children() -> set[int]:
    """Return the processes below this one."""
    return {one.pid for one in below(os.getpid())}


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _files() -> set[str]:
    """Return what this process and its children lay into /tmp, and what attacks want to leave on the machine."""
    mine = {str(path) for path in Path(tempfile.gettempdir()).iterdir()}
    return mine | {str(path) for place in SHARED for name in LEFT if (path := Path(place) / name).exists()}


def _sleepers() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if SLEEPER.encode() in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
    return found


def _digest(course: Path) -> str:
    whole = sha256()
    for path in sorted(course.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(str(path).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()
