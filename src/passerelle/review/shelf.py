"""The built courses, read once and again when they are built anew."""

from pathlib import Path

from passerelle.courses import load_course
from passerelle.model.course import Course


class Shelf:
    """The courses below a directory: one nbgrader course directory a track."""

    def __init__(self, courses: Path) -> None:
        self._courses = courses
        self._read: dict[str, tuple[tuple[int, int], Course]] = {}

    def tracks(self) -> list[str]:
        """Return the tracks that are built."""
        return sorted(path.parent.name for path in self._courses.glob("*/course.json"))

    def course(self, track: str) -> Course | None:
        """Return a track, or None where it is not built."""
        if track not in self.tracks():  # also refuses a name that is a path
            return None
        facts = (self._courses / track / "course.json").stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
        known = self._read.get(track)
        if known is None or known[0] != stamp:
            known = self._read[track] = (stamp, load_course(self._courses / track))
        return known[1]
