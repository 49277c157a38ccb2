"""The learner's tree as Binder runs it: postBuild and start, then a real browser.

The environment is a new one, filled with links to the packages that were installed from the lock; only our wheels are
installed into it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from passerelle.cli.binder import write_binder_tree
from passerelle.courses import UnitFolder, read_course_table, read_unit
from passerelle.model.saved_progress import read_saved_progress
from passerelle.model.settings import Settings
from passerelle.proof.submissions import reference_answers
from tests.browser.fellow_lab import WAIT_MS, axe_violations, bar, button, checks, ill_placed, picture
from tests.browser.plain_lab import TOKEN, plain_lab

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]
COURSES = Path(__file__).parents[2] / "courses"
UNITS = [
    pytest.param(path.parent, place.unit, id=place.unit)
    for path in sorted(COURSES.glob("*/course.toml"))
    for place in read_course_table(path.parent).units
]
OUR_WHEELS = ("autograders", "passerelle_autograders", "passerelle_lab")


def fresh_environment(into: Path, lock: bytes) -> dict[str, str]:
    """Make an environment that has what a lock names, and not our wheels; return how to run in it.

    The learner environment is that lock's, installed with its hashes: its packages are linked, so no network is asked.
    """
    learner = Settings().learner.resolve()
    assert (learner / "lock.txt").read_bytes() == lock, "the learner environment is of another lock: set up anew"
    subprocess.run([learner / "bin" / "python", "-m", "venv", into], check=True, timeout=120)
    site = Path("lib") / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for part in (site, Path("share/jupyter"), Path("share/jupyter/labextensions"), Path("etc/jupyter"), Path("bin")):
        _link(learner / part, into / part)
    _link(learner / "etc/jupyter/jupyter_server_config.d", into / "etc/jupyter/jupyter_server_config.d")
    return {"PATH": f"{into / 'bin'}:/usr/bin:/bin", "VIRTUAL_ENV": str(into)}


def _link(source: Path, into: Path) -> None:
    apart = {"labextensions", "jupyter_server_config.d", "passerelle-lab", "passerelle_lab.json", "pip"}
    into.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        ours = path.name.startswith(OUR_WHEELS) or path.name in apart or path.name.startswith("pip-")
        # What a script's first line names is the other environment's Python.
        if not ours and not (into / path.name).exists() and into.name != "bin":
            (into / path.name).symlink_to(path)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The tree, built as Binder builds it, and its JupyterLab."""
    directory = tmp_path_factory.mktemp("binder-lab")
    tree = directory / "tree"
    write_binder_tree(COURSES, tree, say=lambda _: None)
    environment = fresh_environment(directory / "env", (tree / "binder/requirements.txt").read_bytes())
    kept = {"HOME": str(tree), "LANG": os.environ.get("LANG", "C.UTF-8")}
    subprocess.run([tree / "binder/postBuild"], check=True, timeout=120, cwd=tree, env={**kept, **environment})
    command = [str(tree / "binder/start"), "python", "-m", "jupyterlab"]
    with plain_lab(command, tree, tree, environment) as address:
        yield address, tree


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def open_notebook(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}lab/workspaces/{Path(path).stem}/tree/{path}?reset&token={TOKEN}")
    expect(bar(page)).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(timeout=WAIT_MS)


def solve(notebook: Path, unit: UnitFolder) -> None:
    """Write the right answers into a released notebook, as a fellow would."""
    answers = reference_answers(unit)
    read = nbformat.read(notebook, as_version=4)
    for cell in read.cells:
        cell.source = answers.get(cell.metadata.get("passerelle", {}).get("key"), cell.source)
    nbformat.write(read, notebook)


@pytest.mark.parametrize(("course", "name"), UNITS)
def test_a_unit_is_checked_switched_and_saved(visitor: Page, lab: tuple[str, Path], course: Path, name: str) -> None:
    address, tree = lab
    unit = read_unit(course, name)
    solve(tree / course.name / name / f"{name}.ipynb", unit)
    total = sum(cell.kind == "check" for cell in unit.cells)
    open_notebook(visitor, address, f"{course.name}/{name}/{name}.ipynb")
    expect(button(visitor, "Submit")).to_be_hidden()
    button(visitor, "Restart and check").click()

    expect(checks(visitor)).to_have_text(f"Checks passed: {total} of {total}", timeout=3 * WAIT_MS)
    bar(visitor).locator("select").select_option("fr")
    expect(checks(visitor)).to_have_text(f"Vérifications réussies\u00a0: {total} sur {total}")
    expect(visitor.locator(".jp-Notebook h1").first).to_contain_text(
        unit.catalogues["fr"].translation("unit.toml:title", unit.table.title) or "-"
    )
    with visitor.expect_download() as given:
        button(visitor, "Garder ma progression").click()
    expect(bar(visitor)).to_contain_text("passerelle-progress.json est dans tes téléchargements")
    picture(visitor, f"binder-{name}-fr")
    content = Path(given.value.path()).read_bytes()
    assert (tree / "passerelle-progress.json").read_bytes() == content
    saved = {one.unit: one for one in read_saved_progress(content).units}[name]
    assert sum(task.passed for task in saved.tasks) == total
    assert saved.track == course.name
    bar(visitor).locator("select").select_option("en")
    expect(button(visitor, "Save my progress")).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
def test_the_bar_offers_the_file_on_every_screen(visitor: Page, lab: tuple[str, Path], width: int) -> None:
    address, tree = lab
    place = tree / "data-science/d1-tables/d1-tables.ipynb"
    visitor.set_viewport_size({"width": width, "height": 800})
    open_notebook(visitor, address, place.relative_to(tree).as_posix())
    for language, name in (("fr", "Garder ma progression"), ("en", "Save my progress")):
        bar(visitor).locator("select").select_option(language)
        keep = button(visitor, name)
        keep.focus()
        with visitor.expect_download():
            visitor.keyboard.press("Enter")
        expect(keep).to_be_focused()
        picture(visitor, f"binder-{width}-{language}")

        assert ill_placed(visitor, width) == []
        assert axe_violations(visitor) == []


def test_a_file_of_somebody_else_is_not_written_over(visitor: Page, lab: tuple[str, Path]) -> None:
    address, tree = lab
    file, mine = tree / "passerelle-progress.json", b'{"a shopping list": []}'
    before = file.read_bytes() if file.exists() else None
    file.write_bytes(mine)
    open_notebook(visitor, address, "data-science/d1-tables/d1-tables.ipynb")
    bar(visitor).locator("select").select_option("en")
    button(visitor, "Save my progress").click()

    expect(bar(visitor)).to_contain_text("There is a file passerelle-progress.json already")
    assert file.read_bytes() == mine
    file.unlink() if before is None else file.write_bytes(before)


def test_the_first_page_says_what_this_place_is_for(visitor: Page, lab: tuple[str, Path]) -> None:
    address, _ = lab
    visitor.goto(f"{address}lab/workspaces/first/tree/README.md?reset&token={TOKEN}")
    first = visitor.locator(".jp-RenderedMarkdown")

    expect(first).to_contain_text("Nothing is kept.")
    expect(first).to_contain_text("Rien n’est gardé.")
    picture(visitor, "binder-first-page")
    first.get_by_role("link", name="Tables with pandas").click()
    expect(bar(visitor)).to_be_visible(timeout=WAIT_MS)
