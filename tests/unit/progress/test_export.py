import contextlib
import csv
import io
import json
import re
import signal
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from datetime import date, datetime, timedelta
from itertools import chain, cycle, islice
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.course import Course
from passerelle.progress import FORMATS, ExportError, TrackProgress, Wanted, track_export, track_progress, write_files
from passerelle.progress.export import Export, renamed
from passerelle.progress.pseudonyms import pseudonym, pseudonym_secret
from passerelle.progress.schema import markdown
from passerelle.progress.tables import ATTEMPTS, SKILLS, SUMMARY, TASKS, WEEKS, Column, Kind, Table, fellow_tables
from passerelle.progress.writers import csv_cell, in_memory, write_csv, write_xlsx
from tests.unit.review.programme import COURSE, NOW, START, Programme, fill, verdict

PARIS = ZoneInfo("Europe/Paris")
SECRET = b"of this test"


@pytest.fixture
def progress(programme: Programme) -> TrackProgress:
    fill(programme)
    with ledger.reading(programme.engine) as session:
        return track_progress(session, COURSE, NOW)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def csv_bytes(progress: TrackProgress) -> bytes:
    """Return the tasks as CSV."""
    table = fellow_tables(progress, PARIS)[0]
    return in_memory(lambda out: write_csv(table, out))


@pytest.fixture
def whole(progress: TrackProgress, programme: Programme) -> Export:
    return track_export(progress, programme.settings)


def text_of(content: bytes) -> str:
    """Return what can be read in a file; a workbook and a Parquet file are unpacked."""
    if content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content))
        return f"{table.to_pydict()} {table.schema.to_string(show_field_metadata=True)}"
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return " ".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return content.decode("utf-8", "replace")


def texts_of(export: Export, kind: str) -> list[str]:
    """Return what can be read in the files of a format, in small letters.

    A PDF draws glyphs by number: of it, what it is written from, and its streams unpacked, which have its metadata.
    """
    found = [text_of(in_memory(write)).lower() for write in export.files([kind]).values()]
    if kind == "pdf":
        found += [unpacked(export.content(kind)).lower(), str([export.title, export.notes, *export.paper]).lower()]
    return found


def unpacked(content: bytes) -> str:
    """Return the streams of a PDF."""
    streams = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        with contextlib.suppress(zlib.error):
            streams.append(zlib.decompress(stream))
    assert streams
    return b"\n".join(streams).decode("utf-8", "replace")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_no_handle_and_no_name_is_in_an_export(
    progress: TrackProgress, programme: Programme, whole: Export, kind: str
) -> None:
    texts = texts_of(whole, kind)
    named = track_export(progress, programme.settings, Wanted(identified=True))
    with_names = " ".join(texts_of(named, kind))

    assert [one.fellow for one in progress.fellows for text in texts if one.fellow in text] == []
    assert [one.fellow for one in progress.fellows if one.fellow not in with_names] == [], "so a name would be found"


def test_no_receipt_is_in_an_export(progress: TrackProgress, whole: Export) -> None:
    text = whole.content("json").decode("utf-8")
    ids = [one.receipt for fellow in progress.fellows for unit in fellow.units for one in unit.attempts]

    assert ids
    assert [one for one in ids if one in text] == []


def test_no_language_of_anybody_is_in_an_export(programme: Programme, progress: TrackProgress) -> None:
    """Two programmes that differ in languages alone give the same file."""
    before = track_export(progress, programme.settings).content("json")
    with ledger.session(programme.engine) as session:
        for one in progress.fellows:
            people.set_language(session, one.fellow, "en")
    with ledger.reading(programme.engine) as session:
        after = track_export(track_progress(session, COURSE, NOW), programme.settings).content("json")

    assert before == after


def test_the_order_of_an_export_does_not_tell_who_is_who(progress: TrackProgress) -> None:
    names = [one.fellow for one in renamed(progress, lambda handle: pseudonym(handle, SECRET)).fellows]

    assert names == sorted(names)
    assert names != [pseudonym(one.fellow, SECRET) for one in progress.fellows]


def test_missing_is_empty_and_a_real_zero_is_zero(programme: Programme) -> None:
    programme.enrol("fern")
    programme.release("d1-tables", "d2-clean")
    programme.send("fern", "d1-tables", START, verdict("d1-tables", {"check-mean": 0.0, "check-missing": 2.0}))
    with ledger.reading(programme.engine) as session:
        found = rows(csv_bytes(track_progress(session, COURSE, NOW)))
    points = {(row["unit"], row["task"]): row["task_points"] for row in found}

    assert points["d1-tables", "mean"] == "0"
    assert points["d1-tables", "why"] == ""
    assert {points["d2-clean", task] for task in ("mean", "missing", "why")} == {""}


def test_csv_opens_in_french_excel_and_in_pandas(progress: TrackProgress, tmp_path: Path) -> None:
    content = csv_bytes(renamed(progress, lambda handle: pseudonym(handle, SECRET)))
    (tmp_path / "t.csv").write_bytes(content)

    frame = pd.read_csv(tmp_path / "t.csv", sep=";", decimal=",")

    assert content.startswith(b"\xef\xbb\xbf")
    assert list(frame.columns) == [one.name for one in TASKS]
    assert frame["unit_points"].max() == 7.5
    assert pd.to_datetime(frame["last_submission"]).max() == pd.Timestamp("2026-11-24 18:42:00")
    assert len(frame) == 6 * 5 * 3


@given(st.text())
def test_no_cell_can_become_a_formula(text: str) -> None:
    (line,) = csv.reader(io.StringIO(csv_cell(text) + ";end\r\n", newline=""), delimiter=";", strict=True)

    assert line[1:] == ["end"]
    assert line[0] in (text, "'" + text)
    assert not line[0].lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("start", [*"=+-@\t\r", "  =", "＝"])
def test_a_formula_is_kept_as_text(start: str) -> None:
    (line,) = csv.reader(io.StringIO(csv_cell(start + "cmd|' /C calc'!A0") + "\r\n", newline=""), delimiter=";")

    assert line == ["'" + start + "cmd|' /C calc'!A0"]


def test_a_unit_named_like_a_formula_stays_text(programme: Programme) -> None:
    bad: dict[str, Any] = json.loads(COURSE.model_dump_json())
    bad["units"][0]["card"]["checks"][0]["task"] = "=1+1"
    programme.enrol("fern")
    with ledger.reading(programme.engine) as session:
        found = rows(csv_bytes(track_progress(session, Course.model_validate(bad), NOW)))

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


@pytest.mark.slow
def test_the_same_ledger_gives_the_same_bytes(programme: Programme, tmp_path: Path) -> None:
    fill(programme)
    written = []
    for name in ("one", "two"):
        with ledger.reading(programme.engine) as session:
            made = track_export(track_progress(session, COURSE, NOW), programme.settings)
        written.append({path.name: path.read_bytes() for path in write_files(tmp_path / name, made.files(FORMATS))})

    assert written[0] == written[1]
    tables = ("", "-attempts", "-skills", "-summary", "-weeks")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        [f"data-science{table}.{kind}" for table in tables for kind in ("csv", "parquet")]
        + [f"data-science.{kind}" for kind in ("json", "pdf", "xlsx")]
    )


def test_a_write_that_stops_leaves_the_old_file(tmp_path: Path) -> None:
    def whole(out: IO[bytes]) -> None:
        out.write(b"before")

    def full(out: IO[bytes]) -> None:
        out.write(b"half")
        raise OSError(28, "No space left on device")

    (path,) = write_files(tmp_path, {"a.csv": whole})
    with pytest.raises(OSError, match="No space"):
        write_files(tmp_path, {"a.csv": full})

    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_format_that_does_not_exist_is_said_with_the_cure(whole: Export) -> None:
    with pytest.raises(ExportError, match="no export format 'ods'; choose csv, xlsx, parquet, json or pdf"):
        whole.content("ods")


@pytest.mark.slow
def test_every_format_says_the_same(whole: Export, tmp_path: Path) -> None:
    paths = {path.name: path for path in write_files(tmp_path, whole.files(FORMATS))}
    frames = {
        "csv": pd.read_csv(paths["data-science.csv"], sep=";", decimal=","),
        "parquet": pd.read_parquet(paths["data-science.parquet"]),
    }
    record = json.loads(paths["data-science.json"].read_bytes())
    units = [unit for fellow in record["fellows"] for unit in fellow["units"]]

    for name, frame in frames.items():
        assert frame["task_points"].sum() == sum(task["points"] or 0 for unit in units for task in unit["tasks"]), name
        assert frame["task_points"].isna().sum() == sum(
            task["points"] is None for unit in units for task in unit["tasks"]
        )
        assert len(frame) == sum(len(unit["tasks"]) for unit in units)
    assert frames["parquet"]["last_submission"].max() == pd.Timestamp("2026-11-24 18:42:00")
    assert paths["data-science.pdf"].read_bytes().startswith(b"%PDF-1.7")


BAD = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "http://example.org", "12", "fine"]
MARKUP = "<r></t></is></c><c><f>1+1</f><v>2</v></c><c><is><t></r>"


def test_no_cell_of_a_workbook_is_a_formula_a_link_or_a_number_by_itself(tmp_path: Path) -> None:
    table = Table(
        "t", (Column("text", Kind.TEXT, "", ""), Column("n", Kind.NUMBER, "", "")), [(one, -1.5) for one in BAD]
    )
    content = in_memory(lambda out: write_xlsx([table], out))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert sheet.count('t="inlineStr"') == len(BAD) + 2
    assert sheet.count("<v>-1.5</v>") == len(BAD)
    texts = ["".join(cell.itertext()) for cell in ElementTree.fromstring(sheet).findall(".//{*}is")]
    # XlsxWriter writes a carriage return as spreadsheets do.
    assert [one.replace("_x000D_", "\r") for one in texts[2:]] == [*("'" + one for one in BAD[:7]), *BAD[7:]]


def test_a_text_of_finished_markup_stays_text(tmp_path: Path) -> None:
    """XlsxWriter takes what lies between <r> and </r> for its own rich text, and does not escape it."""
    table = Table("t", (Column("text", Kind.TEXT, "", ""),), [(MARKUP,)])
    with zipfile.ZipFile(io.BytesIO(in_memory(lambda out: write_xlsx([table], out)))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert ["".join(cell.itertext()) for cell in ElementTree.fromstring(sheet).findall(".//{*}is")] == [
        "text",
        "'" + MARKUP,
    ]


def parts(book: bytes) -> dict[str, list[bytes]]:
    """Return the files of a workbook in their order, each as its elements."""
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        return {name: files.read(name).split(b"<") for name in files.namelist()}


def by_the_cell(table: Table) -> bytes:
    """Return a workbook of texts, numbers and moments as XlsxWriter writes it, asked for each cell by itself."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
    book.set_properties({"created": datetime(2026, 1, 1)})
    head, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet(table.name)
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, max(len(column.name), 18 if column.kind is Kind.MOMENT else 8) + 2)
    sheet.write_row(0, 0, [one.name for one in table.columns], head)
    for number, row in enumerate(table.rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, bool | str):
                sheet.write_string(number, place, value if isinstance(value, str) else "yes" if value else "no")
            elif isinstance(value, date):
                sheet.write_datetime(number, place, value, moment if isinstance(value, datetime) else day)
            elif value is not None:
                sheet.write_number(number, place, value)
    sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
    book.close()
    return out.getvalue()


TEXTS = [
    "fine",
    "",
    " before",
    "after ",
    "a\nb",
    "a\rb",
    "\x01\x1f",
    "_x000D_",
    "<b>&\"'</b>",
    "é 🦊",
]
LONG = ["x" * 40_000, "🦊" * 20_000]
NUMBERS = [0, 1, 7.5, -1.5, 1 / 3, 0.1 + 0.2, 1e-9, 1e21, 123456789012345678, None, 2.0]
MOMENTS = [datetime(2026, 11, 24, 18, 42), datetime(2026, 11, 24, 18, 42, 59), None, datetime(1999, 1, 1)]
DAYS = [None, date(2026, 11, 24), date(2024, 2, 29)]


@pytest.mark.parametrize(
    "most", [pytest.param(0, id="no-row"), pytest.param(1, id="one"), pytest.param(5_001, id="many")]
)
def test_a_workbook_is_byte_for_byte_what_the_library_writes_cell_by_cell(most: int) -> None:
    kinds = (Kind.DAY, Kind.TEXT, Kind.NUMBER, Kind.WHOLE, Kind.FLAG, Kind.MOMENT)
    columns = [Column(f"a {kind}", kind, "", "") for kind in kinds]
    of_each = (
        cycle(DAYS),
        chain(LONG, cycle(TEXTS)),
        *map(cycle, (NUMBERS, [3, 0, None], [True, None, False], MOMENTS)),
    )
    rows = list(islice(zip(*of_each, strict=False), most))
    if most > 1:
        # A row without a value in the middle, and at the end.
        rows = [*rows[:5_000], (None,) * 6, *rows[5_000:], (None,) * 6]
    table = Table("t", columns, rows)
    ours, theirs = in_memory(lambda out: write_xlsx([table], out)), by_the_cell(table)

    for (name, lines), (their_name, their_lines) in zip(parts(ours).items(), parts(theirs).items(), strict=True):
        assert name == their_name
        assert [pair for pair in zip(lines, their_lines, strict=False) if len(set(pair)) > 1] == []
    assert ours == theirs


def test_a_number_that_is_none_is_refused_in_a_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    table = Table("t", (Column("n", Kind.NUMBER, "", ""),), [(float("inf"),)])

    with pytest.raises(TypeError, match="inf"):
        in_memory(lambda out: write_xlsx([table], out))
    assert list(tmp_path.iterdir()) == []


def test_moments_and_days_of_a_workbook_are_what_spreadsheets_count(tmp_path: Path) -> None:
    """Day 46350 is the 24th of November 2026; 18:42 is 0.779… of it."""
    columns = (Column("moment", Kind.MOMENT, "", ""), Column("day", Kind.DAY, "", ""))
    table = Table("t", columns, [(datetime(2026, 11, 24, 18, 42), date(2026, 11, 24)), (None, date(2026, 3, 1))])
    with zipfile.ZipFile(io.BytesIO(in_memory(lambda out: write_xlsx([table], out)))) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))

    cells = [(cell.get("r"), cell.get("s"), float(cell.findtext("{*}v") or 0)) for cell in sheet.findall(".//{*}c[@s]")]
    assert [(place, number) for place, _, number in cells[2:]] == [
        ("A2", pytest.approx(46350 + (18 * 60 + 42) / 1440, abs=1e-9)),
        ("B2", 46350),
        ("B3", 46082),
    ]
    assert cells[2][1] != cells[3][1] == cells[4][1], "a moment and a day are shown in forms of their own"


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"before")
    code = """
import os, pathlib, signal, sys
from passerelle.progress import write_files
def half(out):
    out.write(b"half")
    out.flush()
    os.kill(os.getpid(), signal.SIGKILL)
write_files(pathlib.Path(sys.argv[1]), {"a.csv": half})
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.csv").read_bytes() == b"before"
    assert [one.name for one in tmp_path.glob("[!.]*")] == ["a.csv"]


def test_units_in_which_nothing_happened_are_left_out(progress: TrackProgress, programme: Programme) -> None:
    since = START + timedelta(weeks=3)

    made = track_export(progress, programme.settings, Wanted(since=since))

    units = [unit for one in made.whole["fellows"] for unit in one["units"]] if made.whole else []
    assert {unit["unit"] for unit in units} == {"d2-clean", "d3-charts"}
    assert made.tables[-1].rows == track_export(progress, programme.settings).tables[-1].rows


def test_somebody_outside_gets_numbers_and_no_rows(progress: TrackProgress, programme: Programme) -> None:
    made = track_export(progress, programme.settings, Wanted(recipient="a partner"))

    assert [table.name for table in made.tables] == ["summary"]
    assert "f-" not in made.content("json").decode()
    assert made.tables[0].rows[0] == ("data-science", "2026", "d1-tables", 6, *[None] * 6)
    assert json.loads(made.content("json"))["summary"][0]["fellows"] == 6


def test_a_named_fellow_has_another_id_for_each_recipient(progress: TrackProgress, programme: Programme) -> None:
    one = progress.model_copy(update={"fellows": progress.fellows[:1]})

    def fellow(recipient: Wanted) -> Any:
        made = track_export(one, programme.settings, recipient)
        assert "summary" not in [table.name for table in made.tables]
        return made.tables[0].rows[0][1]

    ids = [fellow(Wanted(named=True)), fellow(Wanted("a partner", named=True)), fellow(Wanted("another", named=True))]
    assert len(set(ids)) == 3
    assert ids[0] in {row[1] for row in track_export(progress, programme.settings).tables[0].rows}
    assert fellow(Wanted(identified=True, named=True)) == "acacia"


def test_the_summary_adds_up(progress: TrackProgress, whole: Export) -> None:
    summary = whole.tables[-1]

    assert len(summary.rows) == 5
    assert {sum(int(str(one)) for one in row[4:]) for row in summary.rows} == {6}
    assert [row[-1] for row in summary.rows] == [
        sum(bool(fellow.units[place].mastered) for fellow in progress.fellows) for place in range(5)
    ]


def test_the_schema_document_is_that_of_the_model() -> None:
    document = Path(__file__).parents[3] / "docs" / "progress-schema.md"

    assert document.read_text(encoding="utf-8") == markdown(), (
        "run `python -m passerelle.progress.schema > docs/progress-schema.md`"
    )


def test_an_export_holds_what_its_schema_names(whole: Export) -> None:
    record = json.loads(whole.content("json"))
    unit = record["fellows"][0]["units"][0]
    document = markdown()

    for part in (record, record["fellows"][0], unit, unit["tasks"][0], unit["checks"][0]):
        assert [name for name in part if f"| `{name}` |" not in document and name != "summary"] == []
    assert record["schema_version"] == 1


@pytest.mark.parametrize("columns", [TASKS, ATTEMPTS, SKILLS, WEEKS, SUMMARY])
def test_every_number_has_a_unit_and_every_column_a_meaning(columns: tuple[Column, ...]) -> None:
    document = markdown()

    assert [
        one.name for one in columns if f"| `{one.name}` | {one.kind} | {one.unit} | {one.meaning} |" not in document
    ] == []
    assert [one.name for one in columns if not one.meaning] == []
    assert [one.name for one in columns if one.kind is Kind.NUMBER and not one.unit] == []
