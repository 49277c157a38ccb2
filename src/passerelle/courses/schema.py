"""The TOML files of a course, as types: course.toml, unit.toml, wrong/*.toml, right/*.toml, equivalent.toml."""

import itertools
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from passerelle.courses.faults import CourseTextError, Fault
from passerelle.model.course import Seed
from passerelle.model.people import LANGUAGES

KEY_PATTERN = r"[a-z][a-z0-9-]*"


def _has_words(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _in_every_language(text: dict[str, str]) -> dict[str, str]:
    absent = [language for language in LANGUAGES if not text.get(language, "").strip()]
    if absent:
        raise ValueError(f"is not there in: {', '.join(absent)}")
    return text


def _is_page(path: str) -> str:
    if not re.fullmatch(r"[\w-]+(/[\w-]+)*\.html", path, re.ASCII):
        raise ValueError("is not a page in the unit's folder, such as index.html or about/me.html")
    return path


Words = Annotated[str, AfterValidator(_has_words)]
EveryLanguage = Annotated[dict[str, str], AfterValidator(_in_every_language)]
Id = Annotated[str, Field(pattern=f"^{KEY_PATTERN}$")]
PagePath = Annotated[str, AfterValidator(_is_page)]
Points = Annotated[float, Field(ge=0)]
Weight = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UnitPlace(_Table):
    """Where a unit stands in its track; `tasks` says which skills a task shows where it is not the unit's."""

    unit: Id
    weeks: tuple[int, int]
    tasks: dict[Id, dict[str, Weight]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> "UnitPlace":
        first, last = self.weeks
        if not 1 <= first <= last:
            raise ValueError("weeks are the first and the last week, counted from 1")
        return self


class CourseTable(_Table):
    """course.toml."""

    title: EveryLanguage
    weeks: int = Field(gt=0)
    mastery: float = Field(default=0.8, gt=0, le=1)
    skills: dict[str, EveryLanguage] = Field(default_factory=dict)
    units: tuple[UnitPlace, ...]


class HintSteps(_Table):
    """The three steps of a task's hint."""

    nudge: Words
    concept: Words
    outline: Words


class StaffTable(_Table):
    """The mentor's sentence «This unit means …; ask her to show …»."""

    means: Words
    ask: Words


class LevelTable(_Table):
    """One level of a criterion: its points, what it is, and an answer that is an example of it."""

    points: Points
    title: Words
    example: Words | None = None


class CriterionTable(_Table):
    """One criterion of a rubric, its levels from the fewest points to the most."""

    title: Words
    levels: dict[Id, LevelTable]

    @model_validator(mode="after")
    def _rises_from_nothing(self) -> "CriterionTable":
        points = [level.points for level in self.levels.values()]
        if len(points) < 2 or points[0] != 0 or any(more <= less for less, more in itertools.pairwise(points)):
            raise ValueError("its levels are two or more: the first has 0 points, each further one more")
        return self


class UnitTable(_Table):
    """unit.toml."""

    title: Words
    summary: Words
    minutes: int = Field(gt=0)
    skills: dict[str, Weight] = Field(default_factory=dict)
    pages: tuple[PagePath, ...] = ()
    seed: Seed = "unit"
    tasks: dict[Id, Words]
    messages: dict[str, Words] = Field(default_factory=dict)
    hints: dict[str, HintSteps] = Field(default_factory=dict)
    glossary: dict[str, Words] = Field(default_factory=dict)
    staff: StaffTable
    blank: dict[str, Points] = Field(default_factory=dict)
    rubric: dict[str, dict[Id, CriterionTable]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hints_belong_to_tasks(self) -> "UnitTable":
        strangers = sorted(set(self.hints) - set(self.tasks))
        if strangers:
            raise ValueError(f"hints for tasks that [tasks] does not name: {', '.join(strangers)}")
        return self


class WrongTable(_Table):
    """One file of wrong/."""

    description: Words
    hints: tuple[str, ...] = ()
    answers: dict[str, str] = Field(min_length=1)
    points: dict[str, Points] = Field(min_length=1)


class RightTable(_Table):
    """One file of right/."""

    description: Words
    answers: dict[str, str] = Field(min_length=1)


class EquivalentMutant(_Table):
    """A planted bug that is none: what it changes, why nobody can tell it from the reference, and what shows that."""

    id: Words
    change: Words
    reason: Words
    evidence: Words


class EquivalentTable(_Table):
    """equivalent.toml."""

    mutant: tuple[EquivalentMutant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> "EquivalentTable":
        names = [mutant.id for mutant in self.mutant]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"these are there twice: {', '.join(twice)}")
        return self


Table = TypeVar("Table", bound=BaseModel)


def read_table(path: Path, table: type[Table], where: str) -> Table:
    """Return a TOML file as its type.

    Raises:
        CourseTextError: it is absent, no TOML, or not what the type asks for; every fault is named.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CourseTextError.at(where, "the file is absent", "write it") from error
    except UnicodeDecodeError as error:
        raise CourseTextError.at(where, "the file is not UTF-8", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise CourseTextError.at(where, f"not readable as TOML ({error})", "mend that line") from error
    try:
        return table.model_validate(content)
    except ValidationError as error:
        raise CourseTextError.of(_faults(error, where)) from error


def _faults(error: ValidationError, where: str) -> list[Fault]:
    """Return what pydantic found, each with its place in the file."""
    faults = []
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"] if part != "[key]")
        what, cure = one["msg"], "see docs/decisions/0002-unit-format.md"
        if one["type"] == "missing":
            what, cure = "is absent", "write it"
        elif one["type"] == "extra_forbidden":
            what, cure = "is not a field of this file", "take it out, or mend its name"
        elif one["type"] == "string_pattern_mismatch":
            what, cure = "is not an id", "use lower case letters, digits and hyphens, a letter first"
        faults.append(Fault(f"{where}, {place}" if place else where, re.sub(r"^Value error, ", "", what), cure))
    return faults
