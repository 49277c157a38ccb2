"""Take one person out of JupyterHub: her server, her tokens, her row."""

import contextlib
import json
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Self

import sqlalchemy
from jupyterhub import orm
from sqlalchemy.orm import Session

from passerelle.hub import origins, processes
from passerelle.hub.lock import hub_runs
from passerelle.hub.roles import ERASURE
from passerelle.model.errors import ServiceError
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings

PATIENCE_S = 90.0
"""For how long a hub is asked that is busy, is starting, or is stopping her server."""
_NAMED = (("oauth_clients", "identifier"), ("oauth_clients", "description"), ("oauth_clients", "redirect_uri"),
          ("servers", "base_url"), ("spawners", "state"))  # fmt: skip


class HubBusyError(ServiceError):
    """The hub did not let go of somebody."""

    @classmethod
    def after(cls, said: str) -> Self:
        """Build the error from its last answer."""
        return cls(f"the hub did not remove the account ({said}): nothing is lost, run the same command again")


class HubUser:
    """The accounts of an installation's hub."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.root / "hub" / "jupyterhub.sqlite"

    def names(self) -> set[str]:
        """Return who has an account there."""
        if not self._path.is_file():
            return set()
        with closing(sqlite3.connect(self._path, timeout=30)) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'users'").fetchone() is None:
                return set()
            return {str(name) for (name,) in database.execute("SELECT name FROM users")}

    def forget(self, handle: str) -> None:
        """Stop her server and remove her account, by way of the hub where it runs.

        Raises:
            HubBusyError: the hub does not answer, or her server does not stop.
        """
        if hub_runs(self._settings.root):
            self._ask(handle)
        processes.end(_servers_of(self._settings.root, handle), grace_s=5.0)
        self.delete(handle)

    def delete(self, handle: str) -> None:
        """Remove her account from the hub's database, in which no hub has her any more."""
        if handle in self.names():
            self._delete(handle)
        self._delete_leftovers(handle)

    def _ask(self, handle: str) -> None:
        token = kept_secret(self._settings.secrets, f"service-{ERASURE}")
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._settings.port}/hub/api/users/{handle}",
            method="DELETE",
            headers={"Authorization": f"token {token}", "Host": origins.host(self._settings)},
        )
        until, said = time.monotonic() + PATIENCE_S, "no answer"
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(request, timeout=60):  # noqa: S310  # our own hub's address
                    return
            except urllib.error.HTTPError as error:
                if error.code == 404 and handle not in self.names():
                    return
                said = f"{error.code} {_message(error)}"
            except OSError as error:
                said = str(error)
            time.sleep(0.5)
        raise HubBusyError.after(said)

    def _delete(self, handle: str) -> None:
        engine = sqlalchemy.create_engine(f"sqlite:///{self._path}")
        orm.register_foreign_keys(engine)
        try:
            with Session(engine) as session, session.begin():
                user = session.query(orm.User).filter_by(name=handle).one_or_none()
                if user is not None:
                    session.delete(user)
        finally:
            engine.dispose()

    def _delete_leftovers(self, handle: str) -> None:
        """Delete rows that bear her name in an address: JupyterHub leaves some behind."""
        if not self._path.is_file():
            return
        like = [f"%/{handle}/%", f"%-{handle}", f"%-{handle}/%"]
        with closing(sqlite3.connect(self._path, timeout=60)) as database, database:
            database.execute("PRAGMA foreign_keys=ON")
            for table, column in _NAMED:
                for pattern in like:
                    with contextlib.suppress(sqlite3.OperationalError):  # no hub has ever run here
                        database.execute(f"DELETE FROM {table} WHERE {column} LIKE ?", [pattern])  # noqa: S608  # ours


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read()).get("message", ""))
    except (ValueError, OSError, AttributeError):
        return ""


def _servers_of(root: Path, handle: str) -> list[int]:
    """Return processes of a server of hers that a killed hub has left."""
    wanted = f"JUPYTERHUB_USER={handle}".encode()
    found = []
    for pid in processes.stale(root):
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found
