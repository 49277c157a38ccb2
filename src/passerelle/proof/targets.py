"""What is to be proved: units and tracks, by path or by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passerelle.courses import CourseTextError, read_course_table


@dataclass(frozen=True)
class Target:
    """One unit of the course at `source`."""

    source: Path
    unit: str


def targets(words: Sequence[str], courses: Path = Path("courses")) -> list[Target]:
    """Return the units that these words mean, each once; without a word, those of every track.

    A word is the path of a track or of a unit, or the name of one below `courses`. A unit's name that follows its
    track means that unit alone.

    Args:
        words: as on the command line.
        courses: where tracks lie that are called by name.

    Raises:
        CourseTextError: a word means nothing, or two things.
    """
    tracks = sorted(path.parent for path in courses.glob("*/course.toml"))
    chosen: dict[Path, list[str]] = {} if words else {track: [] for track in tracks}
    if not words and not tracks:
        raise CourseTextError.at(str(courses), "there is no track", "name one: passerelle check courses/data-science")
    for word in words:
        track, unit = _meant(word, [*chosen], tracks)
        units = chosen.setdefault(track, [])
        if unit is not None:
            units.append(unit)
    return [Target(track, unit) for track, units in chosen.items() for unit in dict.fromkeys(units or _units_of(track))]


def _meant(word: str, named: Sequence[Path], tracks: Sequence[Path]) -> tuple[Path, str | None]:
    """Return the track that a word means, and the unit where it means one."""
    path = Path(word)
    if (path / "course.toml").is_file():
        return path, None
    if (path / "unit.md").is_file() and (path.resolve().parents[1] / "course.toml").is_file():
        return path.resolve().parents[1], path.resolve().name
    if not named or all(word not in _units_of(track) for track in named):
        found = [track for track in tracks if track.name == word]
        if found:
            return found[0], None
    holders = [track for track in named if word in _units_of(track)]
    holders = holders or [track for track in tracks if word in _units_of(track)]
    if not holders:
        known = [track.name for track in tracks] + [unit for track in named or tracks for unit in _units_of(track)]
        cure = f"name one of: {', '.join(known)}" if known else "give its path, such as courses/data-science"
        raise CourseTextError.at(word, "there is no such track or unit", cure)
    if len(holders) > 1:
        paths = ", ".join(str(track / "units" / word) for track in holders)
        raise CourseTextError.at(word, "two tracks have this unit", f"give its path: {paths}")
    return holders[0], word


def _units_of(track: Path) -> list[str]:
    return [place.unit for place in read_course_table(track).units]
