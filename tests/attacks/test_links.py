"""A fellow lays links in her home, from her own notebook, for our processes outside the box to fall over.

What looks into homes from outside: the watchdog (how much is in it, a note left there) and the backup. Each attack is
also made on something that follows links (`without the wall`), where it must succeed.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from passerelle.hub.backup import backup
from passerelle.hub.homes import NOTES, NOTICE, Walk, put_notice
from tests.attacks.inside import Run, tried
from tests.attacks.town import HER, Town

pytestmark = pytest.mark.slow

FACTS = {"id": "memory"}
LAY = """
    for name, target in given["links"].items():
        link = pathlib.Path.home() / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # a note that stood here: her home is that of the tests before
        link.symlink_to(target)
    return True
"""
Lay = Callable[[dict[str, str]], Path]


@pytest.fixture
def lay(town: Town, notebook: Run) -> Iterator[Lay]:
    """Return what lays links in her home, and the home; take them away afterwards."""
    home = town.hub.settings.home(HER)
    laid: list[str] = []

    def lay_them(links: dict[str, str]) -> Path:
        laid.extend(links)
        assert tried(notebook, LAY, links=links)
        return home

    yield lay_them
    for name in laid:
        link = home / name
        if link.is_symlink() or link.is_file():
            link.unlink()


@pytest.fixture
def prey(town: Town, tmp_path: Path) -> Path:
    """A file of ours that she would like to have, or to have changed."""
    made = tmp_path / "ours" / "secret"
    made.parent.mkdir()
    made.write_text("a secret of ours")
    return made


def naive_notice(home: Path) -> None:
    """Write a note as anybody would who thinks of no links."""
    (home / NOTES).mkdir(exist_ok=True)
    (home / NOTES / NOTICE).write_text(json.dumps(FACTS))


def test_a_note_is_not_written_where_a_link_leads(lay: Lay, prey: Path) -> None:
    home = lay({f"{NOTES}/{NOTICE}": str(prey)})

    put_notice(home, FACTS)

    assert prey.read_text() == "a secret of ours"
    assert json.loads((home / NOTES / NOTICE).read_text()) == FACTS
    (home / NOTES / NOTICE).unlink()
    lay({f"{NOTES}/{NOTICE}": str(prey)})
    naive_notice(home)
    assert prey.read_text() == json.dumps(FACTS)


def test_a_note_is_not_written_below_a_folder_that_is_a_link(lay: Lay, prey: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    if (kept := lay({}) / NOTES).exists():
        kept.rename(aside)
    home = lay({NOTES: str(prey.parent)})

    with pytest.raises(NotADirectoryError):
        put_notice(home, FACTS)

    assert list(prey.parent.iterdir()) == [prey]
    naive_notice(home)
    assert set(prey.parent.iterdir()) == {prey, prey.with_name(NOTICE)}
    (home / NOTES).unlink()
    if aside.exists():
        aside.rename(kept)


def test_a_walk_through_her_home_stays_in_it(town: Town, lay: Lay, prey: Path) -> None:
    before = Walk(town.hub.settings.home(HER))
    assert before.go_on(60)
    for number in range(2000):
        (prey.parent / str(number)).touch()
    home = lay({"loot-all": str(prey.parent), "loot-up": "..", "loot-round": "."})

    walk = Walk(home)

    assert walk.go_on(60)
    # Her kernel may write a few files of its own meanwhile.
    assert walk.usage.files < before.usage.files + 500
    followed = sum(len(files) for _, _, files in os.walk(home / "loot-all", followlinks=True))
    assert followed > 2000


def test_a_backup_has_her_links_and_not_what_they_lead_to(town: Town, lay: Lay, prey: Path, tmp_path: Path) -> None:
    home = lay({"loot-file": str(prey), "loot-folder": str(prey.parent)})

    made = backup(town.hub.settings, tmp_path / "backups", say=lambda _: None)

    hers = made / "homes" / HER
    assert (hers / "loot-file").readlink() == prey
    assert (hers / "loot-folder").readlink() == prey.parent
    naive = tmp_path / "naive"
    naive.mkdir()
    for name in ("loot-file", "loot-folder/secret"):
        shutil.copy(home / name, naive / name.replace("/", "-"))
    assert {path.read_text() for path in naive.iterdir()} == {"a secret of ours"}
