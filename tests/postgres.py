"""A PostgreSQL server of the tests' own: Debian's programs, a directory that goes, a socket and no port.

One a process, started by the first test that asks. It need not outlive the machine, so it does not wait for the disk.
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from passerelle import ledger

TEMPLATE = "migrated"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB")
_numbers = count()


def program(name: str) -> str:
    """Return where a program of PostgreSQL is: on the path, or where Debian keeps those of each version."""
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    newest = max(found, key=lambda path: float(path.parts[4]), default=None)
    return shutil.which(name) or str(newest or name)


@cache
def socket() -> Path:
    """Start the server; return the directory of its socket, short as the name of one must be."""
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    data = home / "data"
    make = (program("initdb"), "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    subprocess.run(make, check=True, capture_output=True, env=_environment())
    settings = [
        part for one in (*_FAST, f"unix_socket_directories={home}", "listen_addresses=") for part in ("-c", one)
    ]
    with (home / "log").open("wb") as log:
        # It ends with this process, however that ends.
        started = ("setpriv", "--pdeathsig", "QUIT", program("postgres"), "-D", str(data), *settings)
        server = subprocess.Popen(started, stdout=log, stderr=log, env=_environment())
    atexit.register(server.wait, 20)
    atexit.register(server.send_signal, signal.SIGINT)  # at once, whoever still has a connection
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host=str(home), user="tests", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((home / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return home


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _url(name: str) -> str:
    return URL.create(
        "postgresql+psycopg", username="tests", database=name, query={"host": str(socket())}
    ).render_as_string(hide_password=False)


def say(statement: str) -> None:
    """Tell the server something as its owner."""
    with psycopg.connect(host=str(socket()), user="tests", dbname="postgres", autocommit=True) as owner:
        owner.execute(statement.encode())


@cache
def _template() -> str:
    say(f"CREATE DATABASE {TEMPLATE}")
    ledger.migrate(_url(TEMPLATE))
    return TEMPLATE


def empty_database() -> str:
    """Make a database with nothing in it; return its URL."""
    name = f"test_{next(_numbers)}"
    say(f"CREATE DATABASE {name}")
    return _url(name)


def new_ledger(url: str = "") -> str:
    """Make a database that holds an empty ledger, in the place of an empty one where its URL is given."""
    name = _name(url) if url else f"test_{next(_numbers)}"
    if url:
        remove(url)
    say(f"CREATE DATABASE {name} TEMPLATE {_template()} STRATEGY file_copy")
    return _url(name)


def copy_of(url: str) -> str:
    """Make a database like another that nobody has open; return its URL."""
    name = f"test_{next(_numbers)}"
    say(f"CREATE DATABASE {name} TEMPLATE {_name(url)} STRATEGY file_copy")
    return _url(name)


def remove(url: str) -> None:
    """Remove a database, whoever still has it open."""
    say(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
