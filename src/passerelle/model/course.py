"""What the rooms may know of a built course: `course.json`, written by `passerelle build`.

It is for the services: it holds mentor and trainer notes, which are in no release. The public part of a
unit is its `unit.json`, which is released beside the notebook.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Text = dict[str, str]
"""One text in every language: {"en": …, "fr": …}. Use `in_language` to read it."""

Seed = Literal["unit", "fellow"]
"""Whose seed it is at which marking begins to draw."""


def in_language(text: Text, language: str) -> str:
    """Return the text in a language, or in English, the source language."""
    return text.get(language) or text["en"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckCard(_Frozen):
    """One marked cell of a unit: `key` is its nbgrader grade_id, unique in the unit."""

    key: str
    task: str
    points: float
    manual: bool = False
    title: Text


class Unit(_Frozen):
    """The public part of a unit: `unit.json`, released beside the notebook.

    `messages` are the unit's own check messages by id, with `{name}` places for arguments; `hints` are a
    task's three steps (nudge, concept, outline); `version` is the hash of the built source.
    """

    unit: str
    track: str
    version: str
    title: Text
    summary: Text
    minutes: int
    checks: tuple[CheckCard, ...]
    tasks: dict[str, Text]
    messages: dict[str, Text] = Field(default_factory=dict)
    hints: dict[str, tuple[Text, Text, Text]] = Field(default_factory=dict)
    glossary: dict[str, Text] = Field(default_factory=dict)

    @property
    def max_points(self) -> float:
        """Return the points of all checks, manual ones included."""
        return sum(check.points for check in self.checks)


class StaffNotes(_Frozen):
    """What trainers and mentors read about a unit, in Markdown where long.

    `means` and `ask` complete the mentor's sentence «This unit means …; ask her to show …».
    """

    means: Text
    ask: Text
    mentor: Text
    trainer: Text


class Level(_Frozen):
    """A level of a criterion, and an answer that is an example of it."""

    level: str
    points: float
    title: Text
    example: Text | None = None


class Criterion(_Frozen):
    """A criterion by which a person marks an answer; its levels go from the fewest points to the most."""

    criterion: str
    title: Text
    levels: tuple[Level, ...]


class CourseUnit(_Frozen):
    """A unit with its notes and its place in the track (`weeks`: first and last week, counted from 1).

    `skills` are the unit's, by weight; `task_skills` those of single tasks, where course.toml names them; `rubrics` are
    those of manual checks, by key. What earns full marks is for who marks: a rubric is in no release. `seed` says
    whether what is drawn at random begins at the same place for everybody, or elsewhere for each fellow.
    """

    card: Unit
    notes: StaffNotes
    skills: dict[str, float] = Field(default_factory=dict)
    task_skills: dict[str, dict[str, float]] = Field(default_factory=dict)
    rubrics: dict[str, tuple[Criterion, ...]] = Field(default_factory=dict)
    seed: Seed = "unit"
    weeks: tuple[int, int]

    def skills_of(self, task: str) -> dict[str, float]:
        """Return the skills that a task shows, by weight: its own, or the unit's where it names none."""
        return self.task_skills.get(task, self.skills)


class Course(_Frozen):
    """A track as built. `mastery` is the share of a unit's points that masters it."""

    track: str
    title: Text
    weeks: int
    mastery: float = 0.8
    skills: dict[str, Text] = Field(default_factory=dict)
    units: tuple[CourseUnit, ...]

    def unit(self, unit: str) -> CourseUnit:
        """Return a unit by its id; KeyError where the track has none of that id."""
        for one in self.units:
            if one.card.unit == unit:
                return one
        raise KeyError(unit)
