"""A unit's folder, read and checked as a whole."""

import itertools
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from passerelle.courses.catalogue import Catalogue, TranslationGap, update_catalogue
from passerelle.courses.cells import Cell, Kind, check_cells, read_cells
from passerelle.courses.faults import CourseTextError, Fault
from passerelle.courses.schema import (
    CourseTable,
    EquivalentMutant,
    EquivalentTable,
    RightTable,
    UnitTable,
    WrongTable,
    read_table,
)
from passerelle.courses.texts import DATASHEET, MENTOR, TRAINER, UnitTexts, Wording
from passerelle.model.people import LANGUAGES

TRANSLATIONS = tuple(language for language in LANGUAGES if language != "en")
_LARGEST_FILE_BYTES = 5_000_000


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer to prove: `points` and `hints` are what marking must say of it."""

    name: str
    description: str
    answers: dict[str, str]
    points: dict[str, float]
    hints: tuple[str, ...]


@dataclass(frozen=True)
class RightAnswer:
    """Another right answer: written differently from the reference, it earns full points all the same."""

    name: str
    description: str
    answers: dict[str, str]


@dataclass(frozen=True)
class UnitFolder:
    """A unit as its author wrote it. `data` are the files that the fellow gets, by path below the unit."""

    track: str
    unit: str
    path: Path
    table: UnitTable
    cells: tuple[Cell, ...]
    pages: dict[str, str]
    data: dict[str, bytes]
    wrong: tuple[WrongAnswer, ...]
    right: tuple[RightAnswer, ...]
    equivalent: tuple[EquivalentMutant, ...]
    catalogues: dict[str, Catalogue]

    @property
    def texts(self) -> UnitTexts:
        """Return what of the unit people read."""
        return UnitTexts(self.cells, self.table, self.pages)

    @property
    def wording(self) -> Wording:
        """Return the unit's way into every language."""
        return Wording({language: catalogue.translation for language, catalogue in self.catalogues.items()})

    def gaps(self, language: str) -> tuple[TranslationGap, ...]:
        """Return what keeps the unit from being complete in a language."""
        return self.catalogues[language].gaps(self.texts.all())

    def where(self, file: str) -> str:
        """Return how a file of the unit is named to its author."""
        return f"{self.unit}/{file}"


def read_course_table(source: Path) -> CourseTable:
    """Return a course's course.toml; units that are named twice or have no folder are faults."""
    where = str(source / "course.toml")
    table = read_table(source / "course.toml", CourseTable, where)
    names = [place.unit for place in table.units]
    faults = [
        Fault(where, f"the unit {name!r} is named twice", "take one away")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    faults += [
        Fault(where, f"the unit {name!r} has no folder", f"write units/{name}/, or take it out of [[units]]")
        for name in names
        if not (source / "units" / name).is_dir()
    ]
    if faults:
        raise CourseTextError.of(faults)
    return table


def must_name_skills(table: CourseTable, folders: Mapping[str, UnitFolder], where: str) -> None:
    """Refuse a mapping from tasks to skills that names a task or a skill which is not there; `folders` by unit.

    Raises:
        CourseTextError: naming the unit, what is not there, and the cure.
    """
    faults = []
    for place in table.units:
        if place.unit not in folders:
            continue
        unit = folders[place.unit].table
        for task in sorted(place.tasks.keys() - unit.tasks.keys()):
            faults.append(
                Fault(f"{where}, {place.unit}", f"the unit has no task {task!r}", "mend its name in [units.tasks]")
            )
        named = {skill for skills in (unit.skills, *place.tasks.values()) for skill in skills}
        for skill in sorted(named - table.skills.keys()):
            faults.append(
                Fault(
                    f"{where}, {place.unit}", f"there is no skill {skill!r}", f"add [skills.{skill}], or mend the name"
                )
            )
    if faults:
        raise CourseTextError.of(faults)


def read_unit(source: Path, unit: str) -> UnitFolder:
    """Return a unit of the course at `source`.

    Raises:
        CourseTextError: naming file, cell and cure of what cannot be built.
    """
    path = source / "units" / unit
    table = read_table(path / "unit.toml", UnitTable, f"{unit}/unit.toml")
    cells = read_cells(_page(path / "unit.md", f"{unit}/unit.md"), f"{unit}/unit.md")
    pages = {name: _page(path / name, f"{unit}/{name}") for name in (MENTOR, TRAINER)}
    data = _data_files(path, unit)
    if DATASHEET in data:
        pages[DATASHEET] = _page(path / DATASHEET, f"{unit}/{DATASHEET}")
    wrong = tuple(_wrong_answer(file, unit) for file in sorted((path / "wrong").glob("*.toml")))
    right = tuple(_right_answer(file, unit) for file in sorted((path / "right").glob("*.toml")))
    folder = UnitFolder(
        track=source.name,
        unit=unit,
        path=path,
        table=table,
        cells=cells,
        pages=pages,
        data=data,
        wrong=wrong,
        right=right,
        equivalent=_equivalent(path / "equivalent.toml", unit),
        catalogues={
            language: Catalogue.read(path / f"{language}.po", f"{unit}/{language}.po") for language in TRANSLATIONS
        },
    )
    faults = [*check_cells(cells, table, folder.where("unit.md")), *_wrong_faults(folder), *_right_faults(folder)]
    if faults:
        raise CourseTextError.of(faults)
    return folder


def update_catalogues(source: Path) -> list[Path]:
    """Renew the catalogues of a course's units from the English texts; return those that changed.

    Raises:
        CourseTextError: a unit cannot be read.
    """
    changed = []
    folders = [read_unit(source, place.unit) for place in read_course_table(source).units]
    for folder, language in itertools.product(folders, TRANSLATIONS):
        path = folder.path / f"{language}.po"
        if update_catalogue(path, language, folder.texts.all(), folder.where(path.name)):
            changed.append(path)
    return changed


def _page(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise CourseTextError.at(where, "the file is absent", "write it") from error
    except UnicodeDecodeError as error:
        raise CourseTextError.at(where, "the file is not UTF-8", "save it as UTF-8") from error


def _data_files(path: Path, unit: str) -> dict[str, bytes]:
    """Return the files of data/, sorted; editors' leftovers are passed over, links refused."""
    files = {}
    for file in sorted((path / "data").rglob("*")):
        name = file.relative_to(path).as_posix()
        if any(part.startswith((".", "__pycache__")) or part.endswith("~") for part in Path(name).parts):
            continue
        mode = file.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        where = f"{unit}/{name}"
        if not stat.S_ISREG(mode):
            raise CourseTextError.at(where, "this is a link or a device", "put the file itself there")
        if file.stat().st_size > _LARGEST_FILE_BYTES:
            raise CourseTextError.at(where, "the file is over 5 MB", "ship a sample: connections are poor")
        if file.suffix == ".ipynb":
            raise CourseTextError.at(where, "nbgrader would mark this notebook", "ship it as text")
        files[name] = file.read_bytes()
    return files


def _wrong_answer(file: Path, unit: str) -> WrongAnswer:
    table = read_table(file, WrongTable, f"{unit}/wrong/{file.name}")
    answers = {key: text.strip("\n") for key, text in table.answers.items()}
    return WrongAnswer(file.stem, table.description, answers, table.points, table.hints)


def _right_answer(file: Path, unit: str) -> RightAnswer:
    table = read_table(file, RightTable, f"{unit}/right/{file.name}")
    return RightAnswer(file.stem, table.description, {key: text.strip("\n") for key, text in table.answers.items()})


def _equivalent(file: Path, unit: str) -> tuple[EquivalentMutant, ...]:
    return read_table(file, EquivalentTable, f"{unit}/{file.name}").mutant if file.exists() else ()


def _right_faults(folder: UnitFolder) -> list[Fault]:
    """Return what in right/ names cells that the unit does not have."""
    answers = {cell.key for cell in folder.cells if cell.is_solution}
    return [
        Fault(folder.where(f"right/{right.name}.toml, answers"), f"there is no answer cell {key!r}", "mend the key")
        for right in folder.right
        for key in sorted(right.answers.keys() - answers)
    ]


def _wrong_faults(folder: UnitFolder) -> list[Fault]:
    """Return what in wrong/ names cells that the unit does not have, or points it cannot earn."""
    answers = {cell.key for cell in folder.cells if cell.is_solution}
    checks = {cell.key: cell for cell in folder.cells if cell.kind is Kind.CHECK}
    faults = []
    for wrong in folder.wrong:
        where = folder.where(f"wrong/{wrong.name}.toml")
        for key in wrong.answers.keys() - answers:
            faults.append(Fault(f"{where}, answers", f"there is no answer cell {key!r}", "mend the key"))
        for key, points in wrong.points.items():
            if key not in checks:
                faults.append(Fault(f"{where}, points", f"there is no check cell {key!r}", "mend the key"))
            elif points > (most := checks[key].points or 0.0):
                faults.append(Fault(f"{where}, points.{key}", f"{points:g} is more than {most:g}", "state fewer"))
    return sorted(faults)
