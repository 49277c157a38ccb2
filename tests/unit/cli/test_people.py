"""`passerelle people …` on a real ledger: tables as Excel writes them, all rows or none, twice changes nothing."""

import csv
import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from passerelle import ledger
from passerelle.cli.commands import app
from passerelle.hub.passphrases import WORDS
from passerelle.hub.people_file import PeopleFileError, read_rows
from passerelle.ledger import extensions, invitations, people
from passerelle.ledger.tables import Cohort, Enrolment, Pairing, Person
from passerelle.model.people import OPERATOR, Role
from tests.unit.review.post_office import post_office
from tests.unit.review.programme import TRACK, Programme, new_programme

TABLE = """\
handle,first_name,role,language,tracks,cohort,mentor,email,starts,ends
oak,Odile,mentor,fr,,,,,,
acacia,Amina,fellow,fr,data-science,autumn,oak,,2026-10-05,2027-04-02
,Inès,fellow,,data-science,autumn,willow,ines@example.net,05/10/2026,
maple,Maëlle,trainer,fr,data-science,autumn,,,,
willow,Wendy,mentor,en,,,,,,
linden,Lise,coordinator,fr,,,,,,
"""


@pytest.fixture
def programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programme:
    made = new_programme(tmp_path)
    monkeypatch.setenv("PASSERELLE_DATA", str(made.settings.root))
    return made


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["people", *map(str, arguments)])


def state(programme: Programme) -> dict[str, object]:
    with ledger.reading(programme.engine) as session:
        return {
            "people": [(one.handle, one.first_name, one.role, one.language) for one in people.people(session)],
            "rows": [session.scalar(select(func.count()).select_from(one)) for one in (Enrolment, Pairing, Cohort)],
        }


def test_a_table_becomes_people_tracks_and_pairs(programme: Programme, table: Path) -> None:
    done = run("import", table)

    assert done.exit_code == 0, done.output
    with ledger.reading(programme.engine) as session:
        ines = session.scalars(select(Person).filter_by(first_name="Inès")).one()
        acacia = session.scalars(select(Enrolment).filter_by(handle="acacia")).one()
        assert (ines.language, ines.password_hash) == ("fr", None)
        assert ines.handle in WORDS
        assert acacia.starts == datetime(2026, 10, 4, 22, tzinfo=UTC)
        assert acacia.ends == datetime(2027, 4, 2, 22, tzinfo=UTC), "the end of the day, in summer time"
        assert [one.mentor for one in session.scalars(select(Pairing).filter_by(fellow=ines.handle))] == ["willow"]
        assert people.has_role_in(session, "maple", TRACK, Role.TRAINER)
        links = re.findall(r"/hub/welcome/([\w-]{43})", done.output)
        owners = [invitations.person_of(session, link) for link in links]
        assert sorted(one.handle for one in owners if one) == sorted(one.handle for one in people.people(session))
        assert [(one.viewer, one.what) for one in people.accesses_to(session, "acacia")] == [(OPERATOR, "link")]


def test_the_same_table_twice_changes_nothing(programme: Programme, table: Path) -> None:
    run("import", table)
    before = state(programme)

    again = run("import", table)

    assert (again.exit_code, state(programme)) == (0, before)
    assert "nothing to change" in again.output
    assert "/hub/welcome/" not in again.output


def test_what_she_chose_is_not_undone_by_the_same_table(programme: Programme, table: Path) -> None:
    run("import", table)
    with ledger.session(programme.engine) as session:
        people.set_language(session, "acacia", "en")

    run("import", table)

    with ledger.reading(programme.engine) as session:
        acacia = people.person(session, "acacia")
        assert acacia is not None
        assert acacia.language == "en"


def test_a_second_of_the_same_name_is_another_person(programme: Programme, tmp_path: Path) -> None:
    lines = ["first_name,role,tracks,cohort", *["Amina,fellow,data-science,autumn"] * 2]
    (tmp_path / "two.csv").write_text("\n".join(lines))

    for _ in range(2):
        run("import", tmp_path / "two.csv")

    with ledger.reading(programme.engine) as session:
        assert len(people.people(session)) == 2


def test_a_dry_run_says_all_and_does_nothing(programme: Programme, table: Path, tmp_path: Path) -> None:
    before = state(programme)

    done = run("import", table, "--dry-run", "--links", tmp_path / "links.csv")

    assert (done.exit_code, state(programme)) == (0, before)
    assert "would add acacia: Amina, fellow, fr" in done.output
    assert "would add cohort autumn, from 2026-10-05" in done.output
    assert "/hub/welcome/" not in done.output
    assert not (tmp_path / "links.csv").exists()


def test_a_dry_run_says_who_is_taken_for_somebody_that_is_here(programme: Programme, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    path.write_text("first_name,role,tracks,cohort\nAmina,fellow,data-science,autumn")
    run("import", path)
    (handle,) = (one.handle for one in _everybody(programme))

    dry, again = run("import", path, "--dry-run"), run("import", path)

    assert f"line 2: Amina is taken for {handle}, who is here already; for somebody else" in dry.output
    assert "taken for" not in again.output
    assert "everything is there already" in again.output


def _everybody(programme: Programme) -> list[Person]:
    with ledger.reading(programme.engine) as session:
        return list(people.people(session))


def test_every_fault_is_told_with_its_line_and_nothing_is_written(programme: Programme, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "handle;first_name;role;language;tracks;cohort;mentor;email;starts;ends\n"
        "acacia;Amina;fellow;fr;data-science;autumn;;;;\n"
        "Über;Bahar;felow;de;web-dev;autumn;;x@y;32/01/2026;\n"
        "\n"
        "cedar;;fellow;fr;;;;;2026-10-05;2026-09-05\n"
        "acacia;Amina;fellow;fr;data-science;autumn;;;;\n"
        "oak;Odile;mentor;fr;data-science;;acacia;;;\n",
        encoding="utf-8",
    )
    before = state(programme)

    done = run("import", path)

    assert (done.exit_code, state(programme)) == (1, before)
    told = re.findall(r"line (\d+), (\w+):", str(done.exception))
    assert told == [
        *[("3", name) for name in ("handle", "role", "language", "email", "starts", "tracks")],
        *[("5", name) for name in ("first_name", "ends", "tracks", "cohort")],
        ("6", "handle"),
        *[("7", name) for name in ("tracks", "mentor")],
    ]
    assert "Nothing was changed" in str(done.exception)


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        pytest.param("acacia,Fatima,fellow,,data-science,autumn,,", "first_name", "Amina here", id="another-name"),
        pytest.param("acacia,Amina,mentor,,,,,", "role", "a fellow here", id="another-role"),
        pytest.param("fern,Farida,fellow,,data-science,autumn,nobody,", "mentor", "no mentor 'nobody'", id="no-mentor"),
        pytest.param("fern,Farida,fellow,,data-science,autumn,maple,", "mentor", "no mentor 'maple'", id="a-trainer"),
        pytest.param("linden,Lise,coordinator,,,,,", "handle", "is closed", id="closed"),
    ],
)
def test_a_table_that_says_something_else_than_we_know(
    programme: Programme, table: Path, tmp_path: Path, line: str, column: str, said: str
) -> None:
    run("import", table)
    run("close", "linden")
    before = state(programme)
    other = tmp_path / "other.csv"
    other.write_text(f"handle,first_name,role,language,tracks,cohort,mentor,email\nnew-one,Nora,mentor,,,,,\n{line}\n")

    done = run("import", other)

    assert (done.exit_code, state(programme)) == (1, before)
    assert f"line 3, {column}: " in str(done.exception)
    assert said in str(done.exception)


def excel(kind: str) -> bytes:
    text = TABLE.replace("data-science", '"data-science;data-science"').replace("\n", "\r\n")
    match kind:
        case "utf-8-with-a-mark":
            return b"\xef\xbb\xbf" + text.encode()
        case "french":
            quoted = [next(csv.reader([line])) for line in text.splitlines()]
            lines = [";".join(f'"{cell}"' if ";" in cell else cell for cell in line) for line in quoted]
            return ("\r\n".join(lines) + "\r\n").encode("cp1252")
        case "tabs-in-utf-16":
            return text.replace(",", "\t").encode("utf-16")
        case _:
            return text.replace("\r\n", "\n").encode()


@pytest.mark.parametrize("kind", ["utf-8-with-a-mark", "french", "tabs-in-utf-16", "plain"])
def test_tables_are_read_as_spreadsheets_write_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(excel(kind))

    rows = read_rows(path, [TRACK])

    assert [row.first_name for row in rows] == ["Odile", "Amina", "Inès", "Maëlle", "Wendy", "Lise"]
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7]
    assert rows[1].tracks == (TRACK,)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "nobody in it", id="empty"),
        pytest.param(b"role\n", "first_name is missing", id="a-column-missing"),
        pytest.param(b"first_name,role\n", "nobody in it", id="nobody"),
        pytest.param(b"first name;role;trak\n", "did you mean tracks", id="misspelt-column"),
        pytest.param(b"first_name,role,nationality\n", "there is no column 'nationality'", id="what-we-do-not-keep"),
        pytest.param(b"first_name,role,role\n", "there twice", id="a-column-twice"),
        pytest.param(b"PK\x03\x04rest", "save it as CSV", id="a-workbook"),
        pytest.param(b"first_name,role\nA\x00mina,fellow\n", "first_name", id="a-zero-byte"),
        pytest.param(b"first_name,role\nAmina,mentor,x\n", "more cells", id="one-cell-more"),
        pytest.param(b"first_name\x81,role\n", "cannot be read", id="no-letters"),
    ],
)
def test_what_is_no_table_of_people_is_said(programme: Programme, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    with pytest.raises(PeopleFileError, match=re.escape(said)):
        read_rows(path, [TRACK])


def test_links_go_into_a_private_file_that_is_new(programme: Programme, table: Path, tmp_path: Path) -> None:
    links = tmp_path / "links.csv"

    done = run("import", table, "--links", links)
    again = run("import", table, "--links", links)

    assert "/hub/welcome/" not in done.output
    assert stat.S_IMODE(links.stat().st_mode) == 0o600
    assert len(list(csv.DictReader(links.read_text("utf-8-sig").splitlines(), delimiter=";"))) == 6
    assert "File exists" in str(again.exception)


def test_links_are_sent_where_a_mail_server_is_set(
    programme: Programme, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with post_office(tmp_path, tls=False) as office:
        for name, value in {"HOST": "127.0.0.1", "PORT": office.port, "FROM": "post@example.org"}.items():
            monkeypatch.setenv(f"PASSERELLE_SMTP_{name}", str(value))
        done = run("import", table)

    assert (done.exit_code, office.to) == (0, ["ines@example.net"])
    assert "the link was sent" in done.output
    assert done.output.count("/hub/welcome/") == 5
    assert "example.net" not in done.output
    assert not any(b"ines@example" in path.read_bytes() for path in programme.settings.root.glob("ledger.db*"))


def test_a_mail_that_does_not_go_out_loses_no_link(
    programme: Programme, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with post_office(tmp_path, tls=False, refuses="ines") as office:
        for name, value in {"HOST": "127.0.0.1", "PORT": office.port, "FROM": "post@example.org"}.items():
            monkeypatch.setenv(f"PASSERELLE_SMTP_{name}", str(value))
        done = run("import", table)

    assert (done.exit_code, office.got) == (1, [])
    assert done.output.count("/hub/welcome/") == 6


def test_one_person_is_added_invited_listed_and_closed(programme: Programme) -> None:
    added = run("add", "Amina", "--role", "fellow", "--handle", "acacia", "--track", TRACK, "--cohort", "2026")
    invited = run("invite", "acacia")
    listed = run("list")
    closed = [run("close", "acacia").output, run("close", "acacia").output]

    tokens = [re.findall(r"/hub/welcome/([\w-]{43})", one.output) for one in (added, invited)]
    assert [len(one) for one in tokens] == [1, 1]
    with ledger.reading(programme.engine) as session:
        assert invitations.person_of(session, tokens[0][0]) is None
    assert re.search(r"^acacia +fellow +fr +invited, link until .* data-science$", listed.output, re.M)
    assert closed == ["acacia is closed\n", "acacia was closed before\n"]
    assert "closed since" in run("list").output
    assert "no open account 'acacia'" in str(run("reset", "acacia").exception)
    assert "no open account 'nobody'" in str(run("close", "nobody").exception)


def test_an_address_without_a_mail_server_is_said_before_a_link_is_made(programme: Programme) -> None:
    run("add", "Odile", "--role", "mentor", "--handle", "oak")

    done = run("invite", "oak", "--email", "oak@example.net")

    assert "no mail server is set" in str(done.exception)
    with ledger.reading(programme.engine) as session:
        assert len(people.accesses_to(session, "oak")) == 1


def test_more_time_is_given_on_the_command_line(programme: Programme, table: Path) -> None:
    run("import", table)
    year = datetime.now(UTC).year + 1

    given = run("extend", "acacia", TRACK, "d1-tables", f"{year}-11-29")
    refused = [
        run("extend", "acacia", TRACK, "d1-tables", "2020-11-29"),
        run("extend", "acacia", TRACK, "d1-tables", "soon"),
        run("extend", "acacia", TRACK, "d9-nothing", f"{year}-11-29"),
        run("extend", "acacia", "../secrets", "d1-tables", f"{year}-11-29"),
        run("extend", "oak", TRACK, "d1-tables", f"{year}-11-29"),
    ]

    assert given.exit_code == 0, given.exception
    assert [one.exit_code for one in refused] == [1] * 5
    with ledger.reading(programme.engine) as session:
        found = extensions.extensions_of_track(session, TRACK)
        until = {place: one.until for place, one in found.items()}
    assert until == {("acacia", "d1-tables"): datetime(year, 11, 29, 23, tzinfo=UTC)}
    assert os.environ["PASSERELLE_DATA"] == str(programme.settings.root)
