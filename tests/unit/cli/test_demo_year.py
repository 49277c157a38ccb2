"""`passerelle demo --year`, as it is typed: a year is there to look at, once."""

import pytest
from typer.testing import CliRunner

from passerelle import ledger
from passerelle.cli.commands import app
from passerelle.hub import demo_texts
from passerelle.ledger import people
from passerelle.model.people import Role
from passerelle.model.settings import Settings

pytestmark = pytest.mark.slow


def test_a_year_is_written_once_and_says_who_can_sign_in(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("year") / "var"
    monkeypatch.setenv("PASSERELLE_DATA", str(root))

    first = CliRunner().invoke(app, ["demo", "--year"])
    again = CliRunner().invoke(app, ["demo", "--year"])

    assert (first.exit_code, again.exit_code) == (0, 0)
    at_the_door = [line.split()[0] for line in first.stdout.splitlines() if line.startswith("  ")]
    assert {demo_texts.COORDINATOR, *demo_texts.TRAINERS} < set(at_the_door)
    assert again.stdout.splitlines() == ["the demo year is there already: nothing to change"]
    engine = ledger.engine(Settings().database_url)
    with ledger.reading(engine) as session:
        roles = [one.role for one in people.people(session)]
    engine.dispose()
    assert [roles.count(role) for role in (Role.FELLOW, Role.MENTOR, Role.TRAINER)] == [40, 20, 3]
