"""The read model of progress and its exports: it reads the ledger and writes nothing there.

Names come from their modules when they are first asked for: an export of a course directory needs no ledger, and
starts in a fraction of the time without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passerelle.progress.export import (
        FORMATS,
        TYPES,
        Export,
        ExportError,
        Wanted,
        course_export,
        track_export,
        write_files,
    )
    from passerelle.progress.model import (
        SCHEMA_VERSION,
        Attempt,
        AttemptState,
        Check,
        FellowProgress,
        Skill,
        State,
        Task,
        TrackProgress,
        UnitProgress,
        Waiting,
        WaitingKind,
        WeekCount,
    )
    from passerelle.progress.reading import fellow_progress, track_progress

_WHERE = {
    "Attempt": "model",
    "AttemptState": "states",
    "Check": "model",
    "Export": "export",
    "ExportError": "export",
    "FORMATS": "export",
    "FellowProgress": "model",
    "SCHEMA_VERSION": "states",
    "Skill": "model",
    "State": "states",
    "TYPES": "export",
    "Task": "model",
    "TrackProgress": "model",
    "UnitProgress": "model",
    "Waiting": "model",
    "WaitingKind": "states",
    "Wanted": "export",
    "WeekCount": "model",
    "course_export": "export",
    "fellow_progress": "reading",
    "track_export": "export",
    "track_progress": "reading",
    "write_files": "export",
}


def __getattr__(name: str) -> Any:
    """Return a public name, from its module."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


__all__ = [
    "FORMATS",
    "SCHEMA_VERSION",
    "TYPES",
    "Attempt",
    "AttemptState",
    "Check",
    "Export",
    "ExportError",
    "FellowProgress",
    "Skill",
    "State",
    "Task",
    "TrackProgress",
    "UnitProgress",
    "Waiting",
    "WaitingKind",
    "Wanted",
    "WeekCount",
    "course_export",
    "fellow_progress",
    "track_export",
    "track_progress",
    "write_files",
]
