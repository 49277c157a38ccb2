import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from passerelle.proof import UnitProof
from passerelle.proof.released import digest
from passerelle.proof.result import PlantedCount, Readability
from passerelle.proof.table import stale_units, table, write_tables
from tests.unit.courses.example import edit

ROOT = Path(__file__).parents[3]


def proof_of(course: Path) -> UnitProof:
    figures = {language: Readability(100, 10, 10.0, 20, "x", 5.0) for language in ("en", "fr")}
    return UnitProof(
        "mini",
        track="demo",
        points=2,
        planted=PlantedCount(20, 20, 20),
        readability=figures,
        digest=digest(course / "units" / "mini"),
    )


def test_a_table_has_a_row_a_unit_as_wide_as_its_head(course: Path) -> None:
    rows = [line for line in table("demo", [proof_of(course)]).split("\n") if line.startswith("|")]

    assert len(rows) == 3
    assert len({row.count("|") for row in rows}) == 1
    assert "| mini | yes | 2 + 0 |" in rows[2]
    assert "20 of 20" in rows[2]


def test_a_table_is_stale_where_a_file_changed_or_a_row_is_missing(course: Path, unit: Path, tmp_path: Path) -> None:
    (path,) = write_tables([proof_of(course)], tmp_path / "docs")
    page = path.read_text("utf-8")

    assert path.name == "demo.md"
    assert stale_units(page, course, ["mini"]) == []
    edit(unit / "mentor.md", "outlier", "large number")
    assert stale_units(page, course, ["mini"]) == ["mini"]
    assert stale_units("", course, ["mini"]) == ["mini"]


CHANGES = """
import pathlib, sys
from passerelle.grading.prepare import engine
from passerelle.proof.released import digest
unit, *files = map(pathlib.Path, sys.argv[1:])
print(digest(unit))
for file in files:
    file.write_bytes(file.read_bytes() + b"\\n# changed\\n")
    engine.cache_clear()
    print(digest(unit))
"""


@pytest.mark.slow
def test_a_stamp_changes_with_a_check_with_marking_and_with_a_catalogue(course: Path, tmp_path: Path) -> None:
    """In a copy of the checkout's rooms, where each is changed in turn."""
    rooms, unit = tmp_path / "rooms", course / "units" / "mini"
    for name in ("autograders", "src/passerelle"):
        shutil.copytree(ROOT / name, rooms / name, ignore=shutil.ignore_patterns("__pycache__"))
    changed = ["autograders/compare.py", "src/passerelle/grading/marking.py", "autograders/locale/fr.po"]
    done = subprocess.run(
        [sys.executable, "-c", CHANGES, str(unit), *changed],
        env={"PYTHONPATH": f"{rooms / 'src'}:{rooms}", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd=rooms,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    stamps = done.stdout.split()

    assert stamps[0] == digest(unit)
    assert len({*stamps}) == 4
