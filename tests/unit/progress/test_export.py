import csv
import io
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle import ledger
from passerelle.model.course import Course
from passerelle.progress import COLUMNS, ExportError, TrackProgress, track_progress, write_export
from passerelle.progress.export import _cell, csv_bytes, json_bytes, pseudonymous
from passerelle.progress.pseudonyms import pseudonym, pseudonym_secret
from passerelle.progress.schema import markdown
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, verdict

PARIS = ZoneInfo("Europe/Paris")
SECRET = b"of this test"


@pytest.fixture
def progress(programme: Programme) -> TrackProgress:
    fill(programme)
    with ledger.reading(programme.engine) as session:
        return track_progress(session, COURSE, NOW)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_no_handle_and_no_name_is_in_an_export(progress: TrackProgress) -> None:
    hidden = pseudonymous(progress, SECRET)
    text = (csv_bytes(hidden, PARIS) + json_bytes(hidden)).decode("utf-8").lower()

    assert [one.fellow for one in progress.fellows if one.fellow in text] == []


def test_no_receipt_is_in_an_export(progress: TrackProgress) -> None:
    text = json_bytes(progress).decode("utf-8")
    ids = [one.receipt for fellow in progress.fellows for unit in fellow.units for one in unit.attempts]

    assert ids
    assert [one for one in ids if one in text] == []


def test_the_order_of_an_export_does_not_tell_who_is_who(progress: TrackProgress) -> None:
    names = [one.fellow for one in pseudonymous(progress, SECRET).fellows]

    assert names == sorted(names)
    assert names != [pseudonym(one.fellow, SECRET) for one in progress.fellows]


def test_missing_is_empty_and_a_real_zero_is_zero(programme: Programme) -> None:
    programme.enrol("fern")
    programme.release("d1-tables", "d2-clean")
    programme.send("fern", "d1-tables", START, verdict("d1-tables", {"check-mean": 0.0, "check-missing": 2.0}))
    with ledger.reading(programme.engine) as session:
        found = rows(csv_bytes(track_progress(session, COURSE, NOW), PARIS))
    points = {(row["unit"], row["task"]): row["task_points"] for row in found}

    assert points["d1-tables", "mean"] == "0"
    assert points["d1-tables", "why"] == ""
    assert {points["d2-clean", task] for task in ("mean", "missing", "why")} == {""}


def test_csv_opens_in_french_excel_and_in_pandas(progress: TrackProgress, tmp_path: Path) -> None:
    content = csv_bytes(pseudonymous(progress, SECRET), PARIS)
    (tmp_path / "t.csv").write_bytes(content)

    frame = pd.read_csv(tmp_path / "t.csv", sep=";", decimal=",")

    assert content.startswith(b"\xef\xbb\xbf")
    assert list(frame.columns) == list(COLUMNS)
    assert frame["unit_points"].max() == 7.5
    assert pd.to_datetime(frame["last_submission"]).max() == pd.Timestamp("2026-11-24 18:42:00")
    assert len(frame) == 6 * 5 * 3


@given(st.text())
def test_no_cell_can_become_a_formula(text: str) -> None:
    (line,) = csv.reader(io.StringIO(_cell(text) + ";end\r\n", newline=""), delimiter=";", strict=True)

    assert line[1:] == ["end"]
    assert line[0] in (text, "'" + text)
    assert not line[0].lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("start", [*"=+-@\t\r", "  =", "＝"])
def test_a_formula_is_kept_as_text(start: str) -> None:
    (line,) = csv.reader(io.StringIO(_cell(start + "cmd|' /C calc'!A0") + "\r\n", newline=""), delimiter=";")

    assert line == ["'" + start + "cmd|' /C calc'!A0"]


def test_a_unit_named_like_a_formula_stays_text(programme: Programme) -> None:
    bad: dict[str, Any] = json.loads(COURSE.model_dump_json())
    bad["units"][0]["card"]["checks"][0]["task"] = "=1+1"
    programme.enrol("fern")
    with ledger.reading(programme.engine) as session:
        found = rows(csv_bytes(track_progress(session, Course.model_validate(bad), NOW), PARIS))

    assert "'=1+1" in {row["task"] for row in found}


def test_pseudonyms_are_stable_and_differ_for_every_recipient(tmp_path: Path) -> None:
    secret = pseudonym_secret(tmp_path / "secrets")

    assert pseudonym_secret(tmp_path / "secrets") == secret
    assert pseudonym("fern", secret) == pseudonym("fern", secret)
    assert len({pseudonym("fern", secret), pseudonym("fern", secret, "an employer"), pseudonym("iris", secret)}) == 3
    assert pseudonym("fern", pseudonym_secret(tmp_path / "another")) != pseudonym("fern", secret)


def test_the_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    pseudonym_secret(tmp_path / "secrets")

    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()] == [0o600]


def test_the_same_ledger_gives_the_same_bytes(programme: Programme, tmp_path: Path) -> None:
    fill(programme)
    written = []
    for name in ("one", "two"):
        with ledger.reading(programme.engine) as session:
            paths = write_export(session, programme.settings, TRACK, tmp_path / name, as_of=NOW)
        written.append([path.read_bytes() for path in paths])

    assert written[0] == written[1]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["data-science.csv", "data-science.json"]


def test_a_write_that_stops_leaves_the_old_file(
    programme: Programme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(programme)
    out = tmp_path / "out"
    with ledger.reading(programme.engine) as session:
        (path,) = write_export(session, programme.settings, TRACK, out, ["csv"], as_of=NOW)
        before = path.read_bytes()

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_export(session, programme.settings, TRACK, out, ["csv"], as_of=NOW + timedelta(weeks=8))

    assert path.read_bytes() == before
    assert [one.name for one in out.iterdir()] == ["data-science.csv"]


@pytest.mark.parametrize(
    ("track", "kind", "said"),
    [
        pytest.param("web-dev", "csv", "no track 'web-dev'.*data-science.*passerelle build", id="track"),
        pytest.param("../courses/data-science", "csv", "no track", id="a-path-is-no-track"),
        pytest.param(TRACK, "xlsx", "no export format 'xlsx'; choose csv or json", id="format"),
    ],
)
def test_what_cannot_be_exported_is_said_with_the_cure(
    programme: Programme, tmp_path: Path, track: str, kind: str, said: str
) -> None:
    with ledger.reading(programme.engine) as session, pytest.raises(ExportError, match=said):
        write_export(session, programme.settings, track, tmp_path / "out", [kind])


def test_the_schema_document_is_that_of_the_model() -> None:
    document = Path(__file__).parents[3] / "docs" / "progress-schema.md"

    assert document.read_text(encoding="utf-8") == markdown(), (
        "run `python -m passerelle.progress.schema > docs/progress-schema.md`"
    )


def test_an_export_holds_what_its_schema_names(progress: TrackProgress) -> None:
    record = json.loads(json_bytes(progress))
    unit = record["fellows"][0]["units"][0]
    document = markdown()

    for part in (record, record["fellows"][0], unit, unit["tasks"][0], unit["checks"][0], unit["attempts"][0]):
        assert [name for name in part if f"| `{name}` |" not in document] == []
    assert record["schema_version"] == 1
