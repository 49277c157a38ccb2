"""Courses as text: reading units, building nbgrader sources from them, translating them.

The format of a unit is in docs/decisions/0002-unit-format.md.
"""

from passerelle.courses.build import STUB, build_course, load_course, unit_source
from passerelle.courses.catalogue import Gap, TranslationGap
from passerelle.courses.cells import Cell, Kind
from passerelle.courses.faults import CourseTextError, Fault, NotBuiltError
from passerelle.courses.folder import (
    TRANSLATIONS,
    RightAnswer,
    UnitFolder,
    WrongAnswer,
    read_course_table,
    read_unit,
    update_catalogues,
)
from passerelle.courses.new import new_unit
from passerelle.courses.notebook import notebook_in_language, put_into_language
from passerelle.courses.trees import put_in_place

__all__ = [
    "STUB",
    "TRANSLATIONS",
    "Cell",
    "CourseTextError",
    "Fault",
    "Gap",
    "Kind",
    "NotBuiltError",
    "RightAnswer",
    "TranslationGap",
    "UnitFolder",
    "WrongAnswer",
    "build_course",
    "load_course",
    "new_unit",
    "notebook_in_language",
    "put_in_place",
    "put_into_language",
    "read_course_table",
    "read_unit",
    "unit_source",
    "update_catalogues",
]
