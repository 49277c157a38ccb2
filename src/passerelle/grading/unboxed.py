"""Marking without a box, for machines that can have none: turned on in writing by an operator, and said everywhere."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import autograders
from passerelle.grading.walls import environment

SETTING = "PASSERELLE_UNBOXED"
WORDS = "yes, submissions can read and change everything that this user can"


def is_unboxed() -> bool:
    """Say whether an operator has turned the box off in writing; anything but the very words leaves it on."""
    return os.environ.get(SETTING, "") == WORDS


def unboxed_folder(files: Mapping[str, bytes]) -> "tempfile.TemporaryDirectory[str]":
    """Return a working directory with the files of a submission."""
    scratch = tempfile.TemporaryDirectory(prefix="passerelle-", ignore_cleanup_errors=True)
    root = Path(scratch.name)
    if os.geteuid() == 0:  # the submission runs as nobody
        root.chmod(0o777)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return scratch


def unboxed_command(learner: Path, agent: list[str]) -> list[str]:
    """Return the command line of the agent without walls."""
    return [str(learner / "bin" / "python"), "-P", "-m", "autograders.forkserver", *agent]


def unboxed_environment(learner: Path, scratch: str) -> dict[str, str]:
    """Return its environment."""
    place = {"HOME": scratch, "TMPDIR": scratch, "MPLCONFIGDIR": f"{scratch}/.matplotlib"}
    return environment(learner) | place | {"PYTHONPATH": str(Path(autograders.__file__).parent.parent)}
