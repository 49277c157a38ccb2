"""The same attack on stock nbgrader, in a cage: a course directory of its own, to be thrown away.

The cage is a bubblewrap without network in which nothing but that directory can be written, with limits on time,
memory and processes: what stock nbgrader lets a submission do, it does there and nowhere else.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks.attack import REACHED, Attack
from tests.attacks.judge import NEIGHBOUR, NEIGHBOURS, running, sent
from tests.attacks.tiny import PLAIN, SECRETS, UNIT

CAGE = Path(__file__).with_name("cage.py")
MOST_S = 330
HER, NEXT = "mallory", "neighbour"
_GRADES = """
select student.id, cell.name, coalesce(grade.manual_score, grade.auto_score, 0)
from grade
join base_cell as cell on cell.id = grade.cell_id
join submitted_notebook on submitted_notebook.id = grade.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join student on student.id = submitted_assignment.student_id
"""


@dataclass
class Stock:
    """What stock nbgrader made of an attack; `wins` says what the attack got, `points` are hers."""

    points: float | None = None
    wins: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """Say it in a cell of the table."""
        points = "no result" if self.points is None else f"{self.points:g}"
        return ", ".join([points, *(f"**{win}**" for win in self.wins)])

    def kept(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def stock(course: Path, attack: Attack) -> Stock:
    """Run stock nbgrader on an attack and on an honest neighbour behind it.

    Args:
        course: the course directory of plain asserts; it is copied.
        attack: what is sent.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "course"
        shutil.copytree(course, root, ignore=shutil.ignore_patterns(".passerelle", "__pycache__"))
        _lay(root, HER, attack)
        _lay(root, NEXT, Attack("neighbour", "", NEIGHBOUR))
        before = _state(root)
        is_held = _run(root, feedback=attack.shown)
        found = _found(root, attack, before)
        if is_held:
            found.wins.insert(0, "held for ever")
        subprocess.run(["chmod", "-R", "u+rwX", folder], check=False, capture_output=True)
        return found


def _lay(root: Path, who: str, attack: Attack) -> None:
    folder = root / "submitted" / who / UNIT
    for name, content in {"timestamp.txt": b"2025-01-01 00:00:00 UTC", **sent(PLAIN, attack)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _run(root: Path, *, feedback: bool) -> bool:
    """Run nbgrader in the cage; say whether it had to be ended from outside."""
    shown = {Path("/usr"), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), Path(sys.prefix)}
    line = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for place in sorted(shown):
        line += [] if place != Path("/usr") and place.is_relative_to("/usr") else ["--ro-bind", str(place), str(place)]
    for name in ("/lib", "/lib32", "/lib64", "/bin", "/sbin"):
        if Path(name).is_symlink():
            line += ["--symlink", str(Path(name).readlink()), name]
        elif Path(name).is_dir():
            line += ["--ro-bind", name, name]
    line += [
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--size",
        "200000000",
        "--tmpfs",
        "/tmp",
        "--size",
        "64000000",
        "--tmpfs",
        "/dev/shm",
    ]
    line += ["--ro-bind", str(CAGE), "/cage.py", "--bind", str(root), "/course", "--chdir", "/course"]
    values = {
        "HOME": "/course/home",
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "JUPYTER_NO_CONFIG": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    (root / "home").mkdir()
    for name, value in values.items():
        line += ["--setenv", name, value]
    line += [sys.executable, "/cage.py", *(["feedback"] if feedback else [])]
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]}) as cage:  # fmt: skip
        try:
            said = cage.communicate(timeout=MOST_S)[1]
        except subprocess.TimeoutExpired:
            cage.kill()
            cage.communicate()
            return True
    (root / "cage.txt").write_bytes(said)
    return False


def _found(root: Path, attack: Attack, before: dict[str, str]) -> Stock:
    found, after = Stock(), dict[str, Any]()
    with suppress(OSError, ValueError):
        after = json.loads((root / "after.json").read_text())
    if after.get("code") == "time":
        found.wins.append("held for ever")
    found.wins += [] if after else ["ended whoever marks"]
    found.wins += ["left processes"] if after.get("left") else []
    try:
        grades = _grades(root)
    except sqlite3.Error as error:
        return Stock(None, [*found.wins, f"the gradebook cannot be read ({error})"])
    hers, neighbours = grades.get(HER), grades.get(NEXT)
    if hers is not None:
        found.points = sum(hers.values())
        deserved = sum(attack.deserves.values())
        found.wins += (
            ["gains"]
            if found.points > deserved
            else ["loses"]
            if any(hers[f"check-{task}"] == 0 for task in attack.keeps)
            else []
        )
    elif neighbours is not None and attack.keeps:
        found.wins.append("loses")
    if neighbours is None:
        found.wins.append("aborted the batch")
    elif {task: neighbours[f"check-{task}"] for task in NEIGHBOURS} != NEIGHBOURS:
        found.wins.append("a neighbour's result changed")
    now = _state(root)
    found.wins += [f"{what} changed" for what in before if now[what] != before[what]]
    found.wins += _shown(root)
    return found


def _grades(root: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    with closing(sqlite3.connect(f"file:{root / 'gradebook.db'}?mode=ro", uri=True)) as book:
        for who, cell, points in book.execute(_GRADES):
            found.setdefault(who, {})[cell] = float(points)
    return {who: cells for who, cells in found.items() if (root / "autograded" / who / UNIT / f"{UNIT}.ipynb").exists()}


def _state(root: Path) -> dict[str, str]:
    """Return what no submission should change."""
    with closing(sqlite3.connect(f"file:{root / 'gradebook.db'}?mode=ro", uri=True)) as book:
        rows = [
            *book.execute("select sql from sqlite_master"),
            *book.execute("select max_score from grade_cells"),
            *book.execute("select source from source_cell"),
        ]
    source = {path.name: path.read_bytes() for path in sorted((root / "source").rglob("*")) if path.is_file()}
    work = (root / "submitted" / NEXT / UNIT / f"{UNIT}.ipynb").read_bytes()
    return {"gradebook": repr(rows), "source": repr(source), "a neighbour's work": repr(work)}


def _shown(root: Path) -> list[str]:
    wins = []
    with suppress(OSError, ValueError, KeyError):
        notebook = json.loads((root / "autograded" / HER / UNIT / f"{UNIT}.ipynb").read_text())
        outputs = json.dumps(
            [cell.get("outputs") for cell in notebook["cells"] if not cell["metadata"].get("nbgrader", {}).get("grade")]
        )
        wins += ["got out"] if REACHED in outputs else []
        wins += ["a secret shown"] if any(secret in outputs for secret in SECRETS) else []
    for page in root.glob(f"feedback/{HER}/{UNIT}/*.html"):
        wins += ["runs on the page"] if running(page.read_text("utf-8", "replace")) else []
    return wins
