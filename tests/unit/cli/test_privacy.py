"""`passerelle erase` and `passerelle retention` on a real ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from passerelle import ledger
from passerelle.cli.commands import app
from passerelle.hub.erase import EraseError
from passerelle.ledger import erasure, people
from passerelle.model.people import Role
from tests.unit.review.programme import Programme, new_programme

NOW = datetime.now(UTC)


@pytest.fixture
def programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programme:
    made = new_programme(tmp_path)
    made.settings.secrets.mkdir()
    monkeypatch.setenv("PASSERELLE_DATA", str(made.settings.root))
    # As the pages' service has it, from which the job is started.
    monkeypatch.setenv("PASSERELLE_DATABASE", made.settings.database_url)
    made.enrol("acacia", "basil", at=NOW)
    made.enrol("linden", role=Role.COORDINATOR)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def there(programme: Programme) -> set[str]:
    with ledger.reading(programme.engine) as session:
        return {one.handle for one in people.people(session)}


def test_one_is_erased_after_a_look(programme: Programme) -> None:
    looked = run("erase", "acacia", "--dry-run")
    assert "ledger, enrolment: 1 rows" in looked.output
    assert "acacia" in there(programme)

    done = run("erase", "acacia")

    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "acacia is erased")
    assert there(programme) == {"basil", "linden"}
    assert b"acacia" not in (programme.settings.root / "ledger.db").read_bytes()
    assert isinstance(run("erase", "acacia").exception, EraseError)


def test_without_a_handle_it_does_what_was_agreed(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        wishes = [erasure.ask(session, handle, handle, NOW).id for handle in ("acacia", "basil")]
        erasure.agree(session, wishes[1], "linden", NOW)

    assert run("erase", "--dry-run").output == "basil\n"
    assert "1 erased" in run("erase").output

    assert there(programme) == {"acacia", "linden"}
    assert "0 erased" in run("erase").output
    assert run("erase", "--dry-run").output == "nobody is waiting to be erased\n"


def test_who_came_back_by_other_means_is_erased_again(programme: Programme) -> None:
    run("erase", "acacia")
    with ledger.session(programme.engine) as session:
        people.add_person(session, "acacia", Role.FELLOW, "Amina", at=NOW - timedelta(days=1))

    assert run("erase", "--again", "--dry-run").output == "1 who had come back would be erased again\n"
    assert "1 who had come back were erased again" in run("erase", "--again").output

    assert there(programme) == {"basil", "linden"}


def test_an_erased_handle_is_given_to_nobody_else(programme: Programme) -> None:
    run("erase", "acacia")

    again = run("people", "add", "Aya", "--role", "mentor", "--handle", "acacia")

    assert again.exit_code != 0
    assert "acacia was somebody's before" in str(again.exception)


def test_retention_says_first_and_does_then(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        people.close(session, "basil", "linden", NOW - timedelta(days=800))

    assert "would go: basil: closed since" in run("retention", "--dry-run").output
    assert "basil" in there(programme)
    assert run("retention").exit_code == 0
    assert there(programme) == {"acacia", "linden"}
