"""Code that runs in her notebook, without any box, and in her very box with a wall taken out of it."""

import json
import subprocess
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerelle.hub.box import Box
from passerelle.hub.spawner import learner_programs
from tests.attacks.town import HER, Town

Run = Callable[[str, str], str]
"""Runs code and returns what it prints; the second is how its last line begins, which nothing else prints."""


def tried(run: Run, code: str, **given: Any) -> Any:
    """Run the body of an attack, and return what it got: None where it was refused."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    # A word of its own: what an earlier attack still prints is not taken for this one's answer.
    mark = f"GOT-{uuid.uuid4().hex} "
    program = (
        "import ctypes, json, os, pathlib, resource, socket, subprocess, time, urllib.error, urllib.request\n"
        f"given = json.loads({json.dumps(given)!r})\n"
        f"def attack():\n{body}\n"
        "try:\n    got = attack()\n"
        "except OSError as refused:\n    got = None\n"
        f"print({mark!r} + json.dumps(got))\n"
    )
    printed = run(program, mark)
    lines = [line for line in printed.splitlines() if line.startswith(mark)]
    assert lines, printed
    return json.loads(lines[-1].removeprefix(mark))


def python_of(town: Town) -> str:
    """Return the Python of her notebooks."""
    return str(town.hub.settings.learner.resolve() / "bin" / "python")


def outside(town: Town) -> Run:
    """Return what runs code without any box."""
    return lambda code, _mark: _output([python_of(town), "-c", code])


def boxed(town: Town, change: Callable[[list[str]], list[str]] = lambda line: line) -> Run:
    """Return what runs code in her very box, changed."""
    learner = town.hub.settings.learner.resolve()
    box = Box(HER, town.hub.settings.home(HER), learner_programs(learner))

    def run(code: str, _mark: str) -> str:
        line = change([str(word) for word in box.command([python_of(town), "-c", code])])
        return _output(line)

    return run


def _output(line: list[str]) -> str:
    done = subprocess.run(
        line, env={"PATH": "/usr/bin:/bin", "HOME": "/"}, capture_output=True, text=True, timeout=60, check=False
    )
    return f"{done.stdout}{done.stderr}\n(ended with {done.returncode})"


def shown(*paths: Path | str) -> Callable[[list[str]], list[str]]:
    """Return the change of a box that shows paths of the machine in it."""

    def change(line: list[str]) -> list[str]:
        at = line.index("--remount-ro")
        more = [word for path in paths for word in ("--dev-bind", str(path), str(path))]
        return [*line[:at], *more, *line[at:]]

    return change


def without(*options: str) -> Callable[[list[str]], list[str]]:
    """Return the change of a box that leaves options out."""
    return lambda line: [word for word in line if word not in options]
