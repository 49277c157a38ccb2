"""What a fellow does with the exchange: fetch a unit, submit it, fetch feedback."""

import secrets
from pathlib import Path

from nbgrader.exchange import abc

from passerelle_lab import unit_folder
from passerelle_lab.exchange.base import Exchange
from passerelle_lab.exchange_words import language, tell

RELEASED_MARK = ".released"
"""The file beside fetched feedback that says which release of it this is."""


class ExchangeFetchAssignment(Exchange, abc.ExchangeFetchAssignment):  # type: ignore[misc]  # nbgrader has no types
    """Fetch the newest release of a unit, in her language; what she has is never replaced."""

    def copy_files(self) -> None:
        """Fetch it."""
        track, unit = self.track, self.unit
        folder = self.folder(track, unit)
        if folder.exists() and not self.replace_missing_files:
            self.fail(tell("have-it", folder=str(folder.relative_to(self.home))))
        files = self.client.release(track, unit)
        unit_folder.place(self.home, self.parent_of(track), unit, files, language())
        self.log.info("Fetched as: %s %s", track, unit)


class ExchangeSubmit(Exchange, abc.ExchangeSubmit):  # type: ignore[misc]  # nbgrader has no types
    """Submit a unit. It says «Submitted as» once the exchange has written the receipt down, never before."""

    def copy_files(self) -> None:
        """Send it."""
        track, unit = self.track, self.unit
        files = self.files_of(self.home, self.parent_of(track), unit)
        for doubt in unit_folder.doubts(files, unit, language()):
            self.log.warning(doubt)
        receipt = self.client.submit(track, unit, files, secrets.token_urlsafe(24))
        self.timestamp = receipt["timestamp"]
        self.log.info("Submitted as: %s %s %s", track, unit, receipt["timestamp"])
        self.log.info("Receipt %s (attempt %s, sha256 %s)", receipt["receipt"], receipt["number"], receipt["sha256"])


class ExchangeFetchFeedback(Exchange, abc.ExchangeFetchFeedback):  # type: ignore[misc]  # nbgrader has no types
    """Fetch nbgrader's feedback pages into `feedback/<timestamp>/` of the unit's folder."""

    def copy_files(self) -> None:
        """Fetch those of a unit, of all that she submitted where none is named."""
        track, client = self.track, self.client
        handle = str(client.me()["handle"])
        submitted = client.submissions(track, self.unit if self.coursedir.assignment_id else None)
        released = {(row["unit"], row["timestamp"]): row["feedback"] for row in submitted if row["feedback"]}
        for unit in sorted({unit for unit, _ in released}):
            folder = self.folder(track, unit) / "feedback"
            for name, content in client.feedback(track, unit, handle).items():
                page = folder / name
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_bytes(content)
                mark = released.get((unit, Path(name).parts[0]))
                if mark is not None:
                    (folder / Path(name).parts[0] / RELEASED_MARK).write_text(mark, "utf-8")
                self.log.info("Fetched feedback: %s", page)
        if not released:
            self.log.warning("Could not find feedback for '%s'", track)
