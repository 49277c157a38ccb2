"""The read model of progress and its exports: it reads the ledger and writes nothing there."""

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
