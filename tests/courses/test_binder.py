"""The learner's tree for Binder: what is in it, and by its content that nothing is in it which must stay in."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.cli.binder import CONTENTS, BinderTreeError, write_binder_tree
from passerelle.courses import UnitFolder, read_course_table, read_unit
from passerelle.courses.cells import HIDDEN_TESTS, SOLUTION, Cell, outside
from passerelle.courses.trees import read_tree

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
TRUTH = "planted-truth-5d21c8,0.4417203"
"""A line of a truth file, which no unit of ours has: the search needs one."""
LEAST_SIGNS = 16
"""A shorter line may stand somewhere by chance."""
COMMON = re.compile(r"(from .+ )?import .+|.*[(:\[{]")
"""What many programs begin a line with, or end it: it gives nothing away."""


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's courses with a truth file in each unit, beside the rooms that a tree is made of."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("binder", "autograders", "src"):
        (checkout / name).symlink_to(CHECKOUT / name)
    shutil.copytree(CHECKOUT / "courses", checkout / "courses")
    for table in sorted(checkout.glob("courses/*/units/*/unit.toml")):
        for name in ("truth/answers.csv", "truth/deeper/notes.txt"):
            (table.parent / name).parent.mkdir(exist_ok=True)
            (table.parent / name).write_text(f"region,share\n{TRUTH}\n", "utf-8")
    return checkout / "courses"


@pytest.fixture(scope="module")
def tree(courses: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("binder") / "tree"
    write_binder_tree(courses, into, say=lambda _: None)
    return into


def units(courses: Path) -> list[UnitFolder]:
    sources = sorted(path.parent for path in courses.glob("*/course.toml"))
    return [read_unit(source, place.unit) for source in sources for place in read_course_table(source).units]


def all_bytes(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield each file's text, those in wheels and the texts inside JSON included: the way a reader would find them."""
    for name, content in read_tree(tree).items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                yield from (
                    (f"{name}!{inner}", wheel.read(inner).decode("utf-8", "replace")) for inner in wheel.namelist()
                )
            continue
        text = content.decode("utf-8", "replace")
        yield name, text
        if name.endswith((".ipynb", ".json")):
            yield f"{name} (its texts)", "\n".join(strings(json.loads(text)))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in strings(one))
    elif isinstance(value, list):
        joined = [one for one in value if isinstance(one, str)]
        yield "".join(joined)
        yield from (text for one in value for text in strings(one))


def lines_inside(source: str) -> set[str]:
    """Return the lines of a cell that must stay in: those of its solution and of its hidden tests."""
    shown = outside(outside(source, SOLUTION), HIDDEN_TESTS)
    return {line.strip() for line in source.split("\n")} - {line.strip() for line in shown.split("\n")}


def secrets(unit: UnitFolder) -> Iterator[tuple[bool, str]]:
    """Yield each line that must be in no file, and whether it is of an answer: hidden tests, notes, truth files too."""
    shown = "\n".join(
        [
            *(outside(outside(cell.source, SOLUTION), HIDDEN_TESTS) for cell in unit.cells if not is_whole(cell)),
            *(text.english for text in unit.texts.all() if not text.context.endswith(".md")),
        ]
    )
    answers = set().union(*(lines_inside(cell.source) for cell in unit.cells if cell.is_solution))
    for answer in [*unit.wrong, *unit.right]:
        answers |= {line.strip() for text in answer.answers.values() for line in text.split("\n")}
    held = set().union(*(lines_inside(cell.source) for cell in unit.cells if not cell.is_solution))
    held |= {line.strip() for name in ("mentor.md", "trainer.md") for line in unit.pages[name].split("\n")}
    for path in sorted((unit.path / "truth").rglob("*")):
        if path.is_file():
            held |= {line.strip() for line in path.read_bytes().decode("utf-8", "replace").split("\n")}
    for of_answer, lines in ((True, answers), (False, held - answers)):
        for line in sorted(lines):
            if len(line) >= LEAST_SIGNS and line not in shown and not COMMON.fullmatch(line) and "SOLUTION" not in line:
                yield of_answer, line


def is_whole(cell: Cell) -> bool:
    """Say whether a cell is an answer as a whole, which the release leaves empty."""
    return cell.is_solution and f"BEGIN {SOLUTION}" not in cell.source


def test_no_answer_hidden_test_truth_file_or_note_is_in_the_tree(courses: Path, tree: Path) -> None:
    texts = list(all_bytes(tree))
    looked_for = [(unit.unit, of_answer, line) for unit in units(courses) for of_answer, line in secrets(unit)]

    # Our own code may say what some answer says (`return made.decode()`), never what a hidden test or a note does.
    found = [
        (unit, line, name)
        for unit, of_answer, line in looked_for
        for name, text in texts
        if line in text and not (of_answer and name.startswith("binder/wheels/"))
    ]
    assert len(looked_for) > 50, "there was something to look for"
    assert {unit for unit, _, line in looked_for if line == TRUTH} == {unit.unit for unit in units(courses)}
    # The seeds of what hidden tests draw are in their lines.
    assert any("passwords(" in line for _, _, line in looked_for)
    assert found == []


def test_a_solution_in_the_tree_would_be_found(courses: Path, tree: Path, tmp_path: Path) -> None:
    """The search itself, on trees with one secret each: in a notebook's metadata, in a picture, in a wheel."""
    secret = next(line for _, line in secrets(units(courses)[0]))
    places = {"data-science/x.ipynb": json.dumps({"cells": [{"metadata": {"note": secret}}]}).encode()}
    places["data-science/x.png"] = b"\x89PNG\r\n" + secret.encode()
    with zipfile.ZipFile(whole := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("x/y.py", secret)
    places["binder/wheels/x.whl"] = whole.getvalue()
    for name, content in places.items():
        spoiled = tmp_path / name.replace("/", "-")
        (spoiled / name).parent.mkdir(parents=True)
        (spoiled / name).write_bytes(content)

        assert any(secret in text for _, text in all_bytes(spoiled)), name


def test_the_tree_holds_every_unit_and_the_locked_environment(courses: Path, tree: Path) -> None:
    names = set(read_tree(tree))
    for unit in units(courses):
        assert {f"{unit.track}/{unit.unit}/{unit.unit}.ipynb", f"{unit.track}/{unit.unit}/unit.json"} <= names
        assert {f"{unit.track}/{unit.unit}/{name}" for name in unit.data} <= names
    assert (tree / "binder/requirements.txt").read_bytes() == (CHECKOUT / "binder/requirements.txt").read_bytes()
    assert not [name for name in names if name.endswith((".po", ".toml", ".db")) or "/wrong/" in name]
    readme = (tree / "README.md").read_text("utf-8")
    assert all(f"{unit.track}/{unit.unit}/{unit.unit}.ipynb" in readme for unit in units(courses))
    assert "Rien n’est gardé" in readme
    assert "Nothing is kept" in readme


def test_a_second_tree_is_the_same_and_takes_away_what_went(courses: Path, tree: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(tree, again)
    (again / ".git").mkdir()
    (again / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (again / "data-science/gone").mkdir()
    (again / "data-science/gone/gone.ipynb").write_text("{}")
    with (again / CONTENTS).open("a") as listing:
        listing.write("data-science/gone/gone.ipynb\n../outside.txt\n")
    (tmp_path / "outside.txt").write_text("not ours")
    write_binder_tree(courses, again, say=lambda _: None)

    assert {name: content for name, content in read_tree(again).items() if not name.startswith(".git/")} == read_tree(
        tree
    )
    assert (again / ".git/HEAD").is_file()
    assert not (again / "data-science/gone").exists()
    assert (tmp_path / "outside.txt").read_text() == "not ours"


def test_a_folder_with_other_files_is_left_alone(courses: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BinderTreeError, match="it holds files that this command did not write"):
        write_binder_tree(courses, tmp_path, say=lambda _: None)

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_repo2docker_takes_the_tree(tree: Path, tmp_path: Path) -> None:
    place = tmp_path / "tree"
    shutil.copytree(tree, place)
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(place)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )

    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout + done.stderr
    assert "python=3.11" in said
    for part in ('pip install --no-cache-dir -r "binder/requirements.txt"', "RUN ./binder/postBuild", "binder/start"):
        assert part in said
