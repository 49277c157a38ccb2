"""What `nbgrader list` and the Lab's assignment list show."""

from itertools import groupby
from pathlib import Path
from typing import Any

from nbgrader.exchange import abc

from passerelle_lab.exchange.base import Exchange
from passerelle_lab.exchange.fellow import RELEASED_MARK
from passerelle_lab.exchange_words import tell

Info = dict[str, Any]
STAFF = frozenset({"trainer", "course"})


class ExchangeList(Exchange, abc.ExchangeList):  # type: ignore[misc]  # nbgrader has no types
    """List units that are open; with `--inbound` or `--cached` what was submitted (the course sees everybody's)."""

    def list_files(self) -> list[Info]:
        """Return and log what there is."""
        if self.inbound or self.cached:
            groups = self._submitted()
            self.log.info("Submitted assignments:")
            for info in (info for group in groups for info in group["submissions"]):
                self.log.info("%s", _submitted_line(info))
            return groups
        infos = self._released()
        self.log.info("Released assignments:")
        for info in infos:
            fetched = " (already downloaded)" if info["status"] == "fetched" else ""
            self.log.info("%s %s%s", info["course_id"], info["assignment_id"], fetched)
        return infos

    def remove_files(self) -> list[Info]:
        """Let a unit no longer be fetched (trainers); what was submitted stays."""
        if self.inbound or self.cached:
            self.fail(tell("receipts-stay"))
        client, removed = self.client, self._released()
        self.log.info("Removing released assignments:")
        for info in removed:
            client.withdraw_release(info["course_id"], info["assignment_id"])
            info["status"] = "removed"
            self.log.info("%s %s", info["course_id"], info["assignment_id"])
        return removed

    def _tracks(self) -> list[str]:
        return [self.coursedir.course_id] if self.coursedir.course_id else self.client.courses()

    def _chosen(self, rows: list[Info]) -> list[Info]:
        asked = self.coursedir.assignment_id
        return [row for row in rows if not asked or row["unit"] == asked]

    def _released(self) -> list[Info]:
        client = self.client
        return [
            self._unit_info(track, row["unit"]) for track in self._tracks() for row in self._chosen(client.units(track))
        ]

    def _unit_info(self, track: str, unit: str) -> Info:
        folder = self.folder(track, unit)
        fetched = folder.is_dir()
        found = sorted(folder.glob("*.ipynb")) if fetched else [folder / f"{unit}.ipynb"]
        return {
            "course_id": track,
            "assignment_id": unit,
            "status": "fetched" if fetched else "released",
            "path": str(folder),
            "notebooks": [{"notebook_id": path.stem, "path": str(path)} for path in found],
        }

    def _submitted(self) -> list[Info]:
        client = self.client
        everybody = self.inbound and client.me()["role"] in STAFF
        asked = self.coursedir.student_id
        infos = [
            self._submission_info(row)
            for track in self._tracks()
            for row in self._chosen(client.submissions(track, everybody=everybody))
            if asked in ("", "*", row["handle"])
        ]

        def whose(info: Info) -> tuple[str, str, str]:
            return info["course_id"], info["student_id"], info["assignment_id"]

        return [
            {
                "course_id": track,
                "student_id": handle,
                "assignment_id": unit,
                "status": "submitted",
                "submissions": sorted(group, key=lambda info: str(info["timestamp"])),
            }
            for (track, handle, unit), group in groupby(sorted(infos, key=whose), key=whose)
        ]

    def _submission_info(self, row: Info) -> Info:
        track, unit, stamp = row["track"], row["unit"], row["timestamp"]
        folder = self.folder(track, unit)
        fetched = folder / "feedback" / stamp
        page = fetched / f"{unit}.html"
        feedback = {
            "has_local_feedback": page.is_file(),
            "has_exchange_feedback": row["feedback"] is not None,
            "feedback_updated": page.is_file() and row["feedback"] not in (None, _mark(fetched)),
        }
        local = {"local_feedback_path": str(page) if page.is_file() else None}
        return {
            "course_id": track,
            "student_id": row["handle"],
            "assignment_id": unit,
            "timestamp": stamp,
            "status": "submitted",
            "path": str(folder),
            "notebooks": [{"notebook_id": unit, "path": str(folder / f"{unit}.ipynb"), **feedback, **local}],
            **feedback,
            "local_feedback_path": str(fetched) if page.is_file() else None,
        }


def _mark(folder: Path) -> str | None:
    try:
        return (folder / RELEASED_MARK).read_text("utf-8")
    except OSError:
        return None


def _submitted_line(info: Info) -> str:
    line = "{course_id} {student_id} {assignment_id} {timestamp}".format(**info)
    if info["has_local_feedback"] and not info["feedback_updated"]:
        return f"{line} (feedback already fetched)"
    if info["has_exchange_feedback"]:
        return f"{line} (feedback ready to be fetched)"
    return f"{line} (no feedback available)"
