from pathlib import Path

from passerelle.proof import UnitProof
from passerelle.proof.released import digest
from passerelle.proof.result import PlantedCount, Readability
from passerelle.proof.table import stale_units, table, write_tables
from tests.unit.courses.example import edit


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
