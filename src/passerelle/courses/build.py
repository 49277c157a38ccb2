"""A course's text made into an nbgrader course directory."""

import shutil
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from passerelle.courses.cells import Kind
from passerelle.courses.faults import NotBuiltError
from passerelle.courses.folder import UnitFolder, must_name_skills, read_course_table, read_unit
from passerelle.courses.notebook import build_notebook, notebook_bytes, stamp
from passerelle.courses.schema import LevelTable
from passerelle.courses.texts import (
    DATASHEET,
    MENTOR,
    TRAINER,
    criterion_context,
    definition_context,
    example_context,
    hint_context,
    level_context,
    message_context,
    task_context,
    term_context,
    title_context,
)
from passerelle.courses.trees import write_file, write_tree
from passerelle.model.course import (
    CheckCard,
    Course,
    CourseUnit,
    Criterion,
    Level,
    StaffNotes,
    Text,
    Unit,
    in_language,
)

STUB = "..."
"""What stands in a release where a solution was: the same in every language, and Python runs it."""

_CONFIG = """\
# Written by `passerelle build`: changes here are lost.
c = get_config()
c.CourseDirectory.course_id = {track!r}
c.ClearSolutions.code_stub = {{"python": {stub!r}}}
c.ClearSolutions.text_stub = {stub!r}
"""


def build_course(source: Path, into: Path, *, units: Collection[str] = ()) -> Course:
    """Build the course at `source` (its folder's name is the track) into the nbgrader course directory `into`.

    Writes source/<unit>/, course.json and nbgrader_config.py. Two builds of one text are byte-identical; what
    did not change is not touched; each unit and each file changes at once, never half. Nothing is written
    while a unit cannot be built.

    Args:
        source: the course's folder, with course.toml.
        into: the course directory.
        units: where given, the course is built as if it had these units alone (for a proof).

    Raises:
        CourseTextError: naming file, cell and cure.
    """
    table = read_course_table(source)
    places = [place for place in table.units if not units or place.unit in units]
    folders = [read_unit(source, place.unit) for place in places]
    must_name_skills(table, {folder.unit: folder for folder in folders}, str(source / "course.toml"))
    built = []
    files: dict[str, dict[str, bytes]] = {}
    for place, folder in zip(places, folders, strict=True):
        card, files[folder.unit] = _build_unit(folder)
        built.append(
            CourseUnit(
                card=card,
                notes=_notes(folder),
                skills=folder.table.skills,
                task_skills=place.tasks,
                rubrics=_rubrics(folder),
                seed=folder.table.seed,
                weeks=place.weeks,
            )
        )
    course = Course(
        track=source.name,
        title=table.title,
        weeks=table.weeks,
        mastery=table.mastery,
        skills=table.skills,
        units=tuple(built),
    )
    for unit, tree in files.items():
        write_tree(into / "source" / unit, tree)
    _remove_dropped(into / "source", set(files))
    write_file(into / "nbgrader_config.py", _CONFIG.format(track=course.track, stub=STUB).encode())
    # Last: who reads course.json finds every unit that it names.
    write_file(into / "course.json", (course.model_dump_json(indent=1) + "\n").encode())
    return course


def load_course(course_dir: Path) -> Course:
    """Return the built course of a course directory.

    Raises:
        NotBuiltError: there is none.
    """
    path = course_dir / "course.json"
    try:
        return Course.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotBuiltError.missing(path) from error


def unit_source(course_dir: Path, unit: str) -> NotebookNode:
    """Return the built source notebook of a unit, solutions and hidden tests inside.

    Raises:
        NotBuiltError: there is none.
    """
    path = course_dir / "source" / unit / f"{unit}.ipynb"
    try:
        notebook: NotebookNode = nbformat.reads(path.read_text("utf-8"), as_version=4)
    except FileNotFoundError as error:
        raise NotBuiltError.missing(path) from error
    return notebook


def _build_unit(folder: UnitFolder) -> tuple[Unit, dict[str, bytes]]:
    """Return a unit's public card and its files by path."""
    data = dict(folder.data)
    if DATASHEET in folder.pages:
        pages = folder.wording.page(DATASHEET, folder.pages[DATASHEET])
        for language in folder.catalogues:
            name = DATASHEET.replace(".md", f".{language}.md")
            data[name] = (in_language(pages, language) + "\n").encode()
    notebook, card = build_notebook(folder), _card(folder)
    version = stamp(notebook, card, data)
    card = card.model_copy(update={"version": version})
    notebook.metadata.passerelle["version"] = version
    files = {
        f"{folder.unit}.ipynb": notebook_bytes(notebook),
        "unit.json": (card.model_dump_json(indent=1) + "\n").encode(),
    }
    return card, files | data


def _card(folder: UnitFolder) -> Unit:
    """Return the unit's public card, still without its version."""
    table, wording = folder.table, folder.wording
    checks = tuple(
        CheckCard(
            key=cell.key,
            task=cell.task or "",
            points=cell.points or 0.0,
            manual=cell.kind is Kind.MANUAL,
            title=wording.text(title_context(cell.key), cell.title or ""),
        )
        for cell in folder.cells
        if cell.is_marked
    )
    return Unit(
        unit=folder.unit,
        track=folder.track,
        version="",
        title=wording.text("unit.toml:title", table.title),
        summary=wording.text("unit.toml:summary", table.summary),
        minutes=table.minutes,
        checks=checks,
        tasks={task: wording.text(task_context(task), title) for task, title in table.tasks.items()},
        messages={name: wording.text(message_context(name), words) for name, words in table.messages.items()},
        hints={task: _hint(folder, task) for task in table.hints},
        glossary={term: _glossary_entry(folder, term) for term in table.glossary},
    )


def _hint(folder: UnitFolder, task: str) -> tuple[Text, Text, Text]:
    steps = folder.table.hints[task]

    def step(name: str, english: str) -> Text:
        return folder.wording.text(hint_context(task, name), english)

    return step("nudge", steps.nudge), step("concept", steps.concept), step("outline", steps.outline)


def _glossary_entry(folder: UnitFolder, term: str) -> Text:
    """Return «term: definition» in every language that has both."""
    terms = folder.wording.text(term_context(term), term)
    definitions = folder.wording.text(definition_context(term), folder.table.glossary[term])
    # French sets a no-break space before a colon.
    colons = {"fr": "\u00a0: "}
    return {
        language: f"{terms[language]}{colons.get(language, ': ')}{definitions[language]}"
        for language in terms
        if language in definitions
    }


def _notes(folder: UnitFolder) -> StaffNotes:
    wording, staff = folder.wording, folder.table.staff
    return StaffNotes(
        means=wording.text("unit.toml:staff.means", staff.means),
        ask=wording.text("unit.toml:staff.ask", staff.ask),
        mentor=wording.page(MENTOR, folder.pages[MENTOR]),
        trainer=wording.page(TRAINER, folder.pages[TRAINER]),
    )


def _rubrics(folder: UnitFolder) -> dict[str, tuple[Criterion, ...]]:
    """Return the rubrics of manual cells, by key."""
    text = folder.wording.text

    def level(key: str, criterion: str, name: str, of: LevelTable) -> Level:
        example = None if of.example is None else text(example_context(key, criterion, name), of.example)
        return Level(
            level=name, points=of.points, title=text(level_context(key, criterion, name), of.title), example=example
        )

    return {
        key: tuple(
            Criterion(
                criterion=criterion,
                title=text(criterion_context(key, criterion), one.title),
                levels=tuple(level(key, criterion, name, of) for name, of in one.levels.items()),
            )
            for criterion, one in criteria.items()
        )
        for key, criteria in folder.table.rubric.items()
    }


def _remove_dropped(source: Path, units: set[str]) -> None:
    """Remove built units that the course no longer names; folders that we did not build stay."""
    for card in source.glob("*/unit.json"):
        if card.parent.name not in units:
            shutil.rmtree(card.parent)
