"""The note that the watchdog leaves in her home."""

import json
from pathlib import Path

import pytest

from passerelle_lab import notice


def leave(home: Path, **said: object) -> None:
    notice.path(home).parent.mkdir(exist_ok=True)
    notice.path(home).write_text(json.dumps(said), encoding="utf-8")


def test_a_note_is_read_and_taken_away(tmp_path: Path) -> None:
    leave(tmp_path, id="memory", at="2026-11-24T18:42:07+00:00", limit_mb=1024, used_mb=1100.4)
    assert notice.read(tmp_path) == {
        "id": "memory",
        "at": "2026-11-24T18:42:07+00:00",
        "limit_mb": 1024,
        "used_mb": 1100,
        "folders": [],
    }

    notice.dismiss(tmp_path)
    notice.dismiss(tmp_path)
    assert notice.read(tmp_path) is None


def test_a_full_disk_names_her_largest_folders(tmp_path: Path) -> None:
    for folder, size in {"films": 4_000_000, "data-science/d1/data": 2_000_000, ".cache/x": 9_000_000, "s": 10}.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_bytes(bytes(size))
    (tmp_path / "link").symlink_to("/")
    leave(tmp_path, id="disk", at="2026-11-24T18:42:07+00:00", limit_mb=10, used_mb=15)

    shown = notice.read(tmp_path)
    assert shown is not None
    assert shown["folders"] == [
        {"path": ".cache/x", "mb": 9},
        {"path": "films", "mb": 4},
        {"path": "data-science/d1", "mb": 2},
    ]


@pytest.mark.parametrize("said", [{}, {"id": "else", "at": "", "limit_mb": 1, "used_mb": 1}, {"id": "disk"}])
def test_what_is_no_note_is_not_shown(tmp_path: Path, said: dict[str, object]) -> None:
    leave(tmp_path, **said)

    assert notice.read(tmp_path) is None
