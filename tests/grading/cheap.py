"""Marking that takes no time, for what happens around it; a module of its own, so that workers can import it."""

import hashlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from nbformat.v4 import new_notebook

from passerelle.grading.marking import Marked
from passerelle.model.verdict import CheckResult, CheckState, Outcome, Verdict

DEADLY, SLOW, LEAVES = b"deadly", b"slow", b"leaves a file in "


def key(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> str:
    """Return the hash of what was sent."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def mark(course_dir: Path, unit: str, files: Mapping[str, bytes], *, learner: Path, fellow: str = "") -> Marked:
    """Give a point; what says so takes a second, or kills its process."""
    words = b" ".join(files.values())
    if DEADLY in words:
        os.kill(os.getpid(), signal.SIGKILL)
    if words.startswith(LEAVES):
        (Path(words.removeprefix(LEAVES).decode()) / str(os.getpid())).touch()
    if SLOW in words:
        time.sleep(1)
    verdict = Verdict(
        key=key(course_dir, unit, files, learner=learner),
        unit=unit,
        version="1",
        engine="cheap",
        outcome=Outcome.MARKED,
        checks=(CheckResult(key="check", points=1, max_points=1, state=CheckState.PASSED),),
    )
    return Marked(verdict, {unit: new_notebook()})
