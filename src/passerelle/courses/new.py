"""A new unit: a small one that is complete and can be proved, with its prose still to write (`scaffold/`)."""

import re
from importlib.resources import as_file, files
from pathlib import Path
from typing import Self

from passerelle.courses.folder import read_course_table
from passerelle.courses.schema import KEY_PATTERN, CourseTable
from passerelle.courses.trees import read_tree, write_file, write_tree
from passerelle.model.errors import ContentError

LONGEST_NAME = 40
_UNIT_WEEKS = 2


class NewUnitError(ContentError):
    """A new unit cannot be begun."""

    @classmethod
    def bad_name(cls, name: str) -> Self:
        """Build the error from the name."""
        return cls(
            f"{name!r}: this is no name of a unit; use lower case letters, digits and hyphens, a letter first, "
            f"{LONGEST_NAME} signs at most, like d2-clean"
        )

    @classmethod
    def is_there(cls, path: Path) -> Self:
        """Build the error from a folder that exists."""
        return cls(f"{path}: it is there already; choose another name, or edit that one")

    @classmethod
    def no_track(cls, source: Path) -> Self:
        """Build the error from a folder without a course."""
        return cls(f"{source}: there is no course.toml in it; name a track, such as courses/data-science")


def new_unit(source: Path, name: str) -> Path:
    """Begin a unit at the end of a track, and return its folder; `passerelle check` proves it as it is.

    Args:
        source: the course's folder, with course.toml; the unit is added to its [[units]].
        name: the unit's id.

    Raises:
        ContentError: the name cannot be one, something is there already, or course.toml cannot be read.
    """
    if len(name) > LONGEST_NAME or not re.fullmatch(KEY_PATTERN, name) or name.endswith("-"):
        raise NewUnitError.bad_name(name)
    listing = source / "course.toml"
    if not listing.is_file():
        raise NewUnitError.no_track(source)
    table = read_course_table(source)
    folder = source / "units" / name
    if folder.exists() or folder.is_symlink():
        raise NewUnitError.is_there(folder)
    with as_file(files("passerelle.courses") / "scaffold") as scaffold:
        texts = read_tree(scaffold)
    # A weight for the track's first skill, to be replaced; a track may have none.
    skill = next(iter(table.skills), None)
    skills = f'"{skill}" = 1.0' if skill else ""
    texts["unit.toml"] = texts["unit.toml"].replace(b"SKILL = 1.0", skills.encode())
    write_tree(folder, texts)
    write_file(listing, (_listed(listing.read_text("utf-8"), name, _weeks(table))).encode())
    return folder


def _weeks(table: CourseTable) -> tuple[int, int]:
    """Return the weeks after the last unit's, as far as the track has any."""
    after = max((place.weeks[1] for place in table.units), default=0) + 1
    first = min(after, table.weeks)
    return first, min(first + _UNIT_WEEKS - 1, table.weeks)


def _listed(text: str, name: str, weeks: tuple[int, int]) -> str:
    # A track without a unit says `units = []`, beside which TOML takes no [[units]].
    text = re.sub(r"(?m)^units *= *\[\s*\] *(#.*)?\n", "", text)
    return f'{text.rstrip()}\n\n[[units]]\nunit = "{name}"\nweeks = [{weeks[0]}, {weeks[1]}]\n'
