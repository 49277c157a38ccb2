"""What hinders a start is said in one line, with the cure."""

import os
import socket
from pathlib import Path

import pytest

from passerelle.hub import preflight
from passerelle.hub.preflight import StartError
from passerelle.model.settings import Settings


def test_a_port_is_free_until_somebody_listens() -> None:
    (port,) = preflight.free_ports(1)
    assert preflight.port_is_free(port)

    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        assert not preflight.port_is_free(port)


def test_free_ports_are_different_ones() -> None:
    assert len(set(preflight.free_ports(20))) == 20


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=tmp_path)
    # More than any disk has: a disk that is really full would stop the other tests too.
    monkeypatch.setattr(preflight, "NEEDED_BYTES", 2**62)

    with pytest.raises(StartError, match=r"The disk of .* has \d+ MB left, .* make room, or choose another place"):
        preflight.check_disk(settings)


def test_directories_are_private(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    preflight.make_directories(settings)

    assert {path.stat().st_mode & 0o777 for path in [settings.root, *settings.root.iterdir()]} == {0o700}


@pytest.mark.parametrize(
    "error",
    [
        StartError.as_root(),
        StartError.port_taken(8000),
        StartError.part_missing("Node", "/opt/node"),
        StartError.no_boxes("no user namespaces"),
        StartError.disk_full(Path("/data"), 10),
        StartError.not_writable(Path("/data"), "read-only"),
        StartError.runs_already(Path("/data"), "42"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_every_message_is_one_line_with_a_cure(error: StartError) -> None:
    said = str(error)

    assert "\n" not in said
    assert said.endswith(".")
    assert ":" in said


def test_root_is_refused_and_nobody_else() -> None:
    if os.geteuid() == 0:
        with pytest.raises(StartError, match="Root installs, it does not serve"):
            preflight.check_user()
    else:
        preflight.check_user()
