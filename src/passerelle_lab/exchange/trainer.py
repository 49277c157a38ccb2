"""What a course does with the exchange: release a unit, collect submissions, release feedback."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc
from nbgrader.utils import parse_utc

from passerelle_lab.exchange.base import Exchange
from passerelle_lab.exchange_words import tell


class ExchangeReleaseAssignment(Exchange, abc.ExchangeReleaseAssignment):  # type: ignore[misc]  # nbgrader has no types
    """Release a unit from the course's release folder."""

    def copy_files(self) -> None:
        """Send it."""
        track, unit, client = self.track, self.unit, self.client
        folder = Path(self.coursedir.format_path(self.coursedir.release_directory, ".", unit))
        if not folder.is_dir():
            self.fail(tell("no-release-folder", folder=str(folder), unit=unit))
        if not self.force and unit in {row["unit"] for row in client.units(track)}:
            self.fail(tell("released-already", unit=unit, track=track))
        client.put_release(track, unit, self.files_of(folder.parent, "", unit))
        self.log.info("Released as: %s %s", track, unit)


class ExchangeCollect(Exchange, abc.ExchangeCollect):  # type: ignore[misc]  # nbgrader has no types
    """Collect each fellow's last submission into the course's submitted folder.

    In the hub's course directories marking does this by itself, with the attempt that counts.
    """

    def copy_files(self) -> None:
        """Fetch them."""
        track, unit, client = self.track, self.unit, self.client
        due = self._due_date(unit) if self.before_duedate else None
        by_fellow: dict[str, list[dict[str, Any]]] = {}
        for row in client.submissions(track, unit, everybody=True):
            if self.coursedir.student_id in ("", "*", row["handle"]):
                by_fellow.setdefault(row["handle"], []).append(row)
        if not by_fellow:
            self.log.warning("No submissions of '%s' for course '%s' to collect", unit, track)
        for handle, rows in sorted(by_fellow.items()):
            in_time = [row for row in rows if due is None or _received(row) <= due]
            self._collect(handle, unit, max(in_time or rows, key=lambda row: int(row["number"])))

    def _collect(self, handle: str, unit: str, row: dict[str, Any]) -> None:
        folder = Path(self.coursedir.format_path(self.coursedir.submitted_directory, handle, unit))
        if folder.is_dir():
            existing = self.coursedir.get_existing_timestamp(str(folder))
            received = _received(row).replace(tzinfo=None)
            newer = self.update and (existing is None or received > existing)
            if not newer and not (self.before_duedate and received != existing):
                hint = "No newer submission to collect" if self.update else "Submission already exists, use --update"
                self.log.info("%s: %s %s", hint, handle, unit)
                return
        files = self.client.submission_files(row["receipt"])
        _replace_folder(folder, {**files, "timestamp.txt": str(row["timestamp"]).encode()})
        self.log.info("Collected submission: %s %s", handle, unit)

    def _due_date(self, unit: str) -> datetime | None:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                due = gradebook.find_assignment(unit).duedate
            except MissingEntry:
                return None
        return due.replace(tzinfo=UTC) if due is not None else None


class ExchangeReleaseFeedback(Exchange, abc.ExchangeReleaseFeedback):  # type: ignore[misc]  # nbgrader has no types
    """Release the pages that `nbgrader generate_feedback` made."""

    def copy_files(self) -> None:
        """Send them, fellow by fellow."""
        track, unit, client = self.track, self.unit, self.client
        excluded = set(filter(None, self.coursedir.student_id_exclude.split(",")))
        top = Path(self.coursedir.format_path(self.coursedir.feedback_directory, "*", unit))
        asked = self.coursedir.student_id
        for folder in sorted(top.parent.parent.glob(f"*/{unit}")):
            handle = folder.parent.name
            if handle in excluded or asked not in ("", "*", handle):
                continue
            pages = {page.name: page.read_bytes() for page in sorted(folder.glob("*.html")) if page.is_file()}
            if not pages:
                continue
            stamp = (folder / "timestamp.txt").read_text("utf-8").strip()
            moment = parse_utc(stamp).replace(tzinfo=UTC)
            client.put_feedback(track, unit, handle, f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC", pages)
            self.log.info("Feedback released for '%s' on '%s/%s' (%s)", handle, track, unit, stamp)


def _received(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["received"])


def _replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files in the place of a folder: the old one is there until the new one is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        made.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
