"""The learner's tree for Binder: what `passerelle build --binder DIR` writes, to be published as a repository.

It holds releases, wheels and an environment; solutions, hidden tests and truth files are in
nothing that it is made from.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from passerelle.courses import build_course
from passerelle.courses.trees import read_tree, write_file
from passerelle.grading.release import generate
from passerelle.model.course import Course, Unit, in_language
from passerelle.model.errors import ContentError

CONTENTS = "binder/contents.txt"
"""Names every file of a tree that we wrote, so that a later one takes away what is no longer in it."""

_EXECUTABLE = frozenset({"binder/postBuild", "binder/start"})
_WHEELS = ("autograders", "src/passerelle_lab")
_WHEEL_TIMEOUT_S = 120
_HEADINGS = {"fr": "Les unités", "en": "The units"}


class BinderTreeError(ContentError):
    """The learner's tree cannot be written."""

    @classmethod
    def no_checkout(cls, absent: Path) -> Self:
        """Build the error from a file of the checkout that is not there."""
        return cls(
            f"{absent}: there is no such file; run this in a checkout of Passerelle, "
            "or name its courses by PASSERELLE_COURSE_SOURCES"
        )

    @classmethod
    def no_courses(cls, courses: Path) -> Self:
        """Build the error from a folder without a course."""
        return cls(f"{courses}: there is no course in it; name the folder that holds data-science and the others")

    @classmethod
    def not_ours(cls, into: Path) -> Self:
        """Build the error from a folder that holds something else."""
        return cls(f"{into}: it holds files that this command did not write; name an empty or a new folder")

    @classmethod
    def no_wheel(cls, source: Path, said: str) -> Self:
        """Build the error from what the build of a wheel said."""
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        return cls(f"{source}: no wheel was built ({last[0]}); mend it, then run this again")


def write_binder_tree(courses: Path, into: Path, *, say: Callable[[str], None]) -> None:
    """Write the learner's tree of all courses below a folder, beside which the checkout's other folders lie.

    A tree that this wrote before is brought up to date; what else lies there stays (`.git`).

    Args:
        courses: the folder `courses` of a checkout.
        into: where to write.
        say: gets one line a unit.

    Raises:
        ContentError: there is no checkout, a course cannot be built, or `into` holds something else.
    """
    known = _known(into)
    checkout = courses.resolve().parent
    frame, lock = checkout / "binder" / "tree", checkout / "binder" / "requirements.txt"
    for needed in (lock, frame / "binder" / "start", *(checkout / source / "pyproject.toml" for source in _WHEELS)):
        if not needed.is_file():
            raise BinderTreeError.no_checkout(needed)
    files = read_tree(frame) | {"binder/requirements.txt": lock.read_bytes()}
    built = []
    for source in sorted(path.parent for path in courses.glob("*/course.toml")):
        course, released = _released(source)
        built.append(course)
        files |= released
        for unit in course.units:
            say(f"released {course.track}/{unit.card.unit}")
    if not built:
        raise BinderTreeError.no_courses(courses)
    for wheel in _WHEELS:
        files |= _wheel(checkout / wheel)
    texts = {language: files.pop(f"README.{language}.md").decode() for language in _HEADINGS}
    files["README.md"] = _readme(texts, built)
    files[CONTENTS] = "".join(f"{name}\n" for name in sorted({*files, CONTENTS})).encode()
    _write(into, files, known)
    say(f"wrote {len(files)} files to {into}")


def _known(into: Path) -> set[str]:
    """Return the files of a tree that we wrote; none where there is nothing yet."""
    listed = into / CONTENTS
    if listed.is_file():
        return set(listed.read_text("utf-8").splitlines())
    if into.exists() and (not into.is_dir() or any(path.name != ".git" for path in into.iterdir())):
        raise BinderTreeError.not_ours(into)
    return set()


def _released(source: Path) -> tuple[Course, dict[str, bytes]]:
    """Return a course and the files of its releases, built in a place of their own, as they lie in a fellow's home."""
    with tempfile.TemporaryDirectory(prefix="binder-") as scratch:
        course_dir = Path(scratch) / source.name
        course = build_course(source, course_dir)
        files = {
            f"{course.track}/{unit.card.unit}/{name}": content
            for unit in course.units
            for name, content in read_tree(generate(course_dir, unit.card.unit)).items()
        }
    return course, files


def _wheel(source: Path) -> dict[str, bytes]:
    """Return a folder's wheel; twice the same text gives the same bytes."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as scratch:
        command = [sys.executable, "-c", "import hatchling.build as b, sys; b.build_wheel(sys.argv[1])", scratch]
        try:
            done = subprocess.run(
                command, cwd=source, capture_output=True, text=True, timeout=_WHEEL_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BinderTreeError.no_wheel(source, f"it took over {_WHEEL_TIMEOUT_S} s") from error
        if done.returncode != 0:
            raise BinderTreeError.no_wheel(source, done.stderr)
        return {f"binder/wheels/{path.name}": path.read_bytes() for path in Path(scratch).glob("*.whl")}


def _readme(texts: dict[str, str], built: list[Course]) -> bytes:
    """Return the first page: one part a language, the units at their mark."""
    page = ["# Passerelle", "[Français](#français) · [English](#english)"]
    for language, text in texts.items():
        lines = [f"### {_HEADINGS[language]}", ""]
        for course in built:
            lines += [f"**{in_language(course.title, language)}**", ""]
            lines += [_unit_line(course.track, unit.card, language) for unit in course.units]
            lines.append("")
        page.append(text.strip().replace("<!-- units -->", "\n".join(lines).strip()))
    return ("\n\n".join(page) + "\n").encode()


def _unit_line(track: str, card: Unit, language: str) -> str:
    title, summary = in_language(card.title, language), in_language(card.summary, language)
    return f"- [{title}]({track}/{card.unit}/{card.unit}.ipynb) ({card.minutes} min) · {summary}"


def _write(into: Path, files: dict[str, bytes], known: set[str]) -> None:
    """Write the files, and take away those of the earlier tree that are no longer in it."""
    for name in sorted(known - set(files)):
        gone = into / name
        if ".." not in Path(name).parts and not Path(name).is_absolute() and gone.is_file():
            gone.unlink()
            for folder in gone.relative_to(into).parents:
                place = into / folder
                if folder != Path() and not any(place.iterdir()):
                    place.rmdir()
    for name, content in files.items():
        write_file(into / name, content)
        (into / name).chmod(0o755 if name in _EXECUTABLE else 0o644)
