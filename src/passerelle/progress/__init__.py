"""The read model of progress and its exports: it reads the ledger and writes nothing there."""

from passerelle.progress.export import COLUMNS, FORMATS, ExportError, export_bytes, pseudonymous, write_export
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
    "COLUMNS",
    "FORMATS",
    "SCHEMA_VERSION",
    "Attempt",
    "AttemptState",
    "Check",
    "ExportError",
    "FellowProgress",
    "Skill",
    "State",
    "Task",
    "TrackProgress",
    "UnitProgress",
    "Waiting",
    "WaitingKind",
    "WeekCount",
    "export_bytes",
    "fellow_progress",
    "pseudonymous",
    "track_progress",
    "write_export",
]
