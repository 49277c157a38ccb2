"""Servers of fellows and of courses, each in a box of its own."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar, Self

from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import wait_for_http_server
from tornado.web import HTTPError
from traitlets import Dict, Integer

import passerelle
from passerelle import ledger
from passerelle.grading.layout import gradebook_url
from passerelle.grading.redirect import GRADEBOOK
from passerelle.hub import origins
from passerelle.hub.box import MB, RUNTIME, Box, accounts_file, groups_file
from passerelle.hub.launcher import Launch, launch
from passerelle.hub.logs import alias
from passerelle.hub.parts import Ports
from passerelle.hub.processes import born
from passerelle.hub.roles import NAMED_FOR_S, SERVICE, role_group
from passerelle.hub.sockets import bind, port_of
from passerelle.ledger import people
from passerelle.model.errors import ServiceError
from passerelle.model.people import Role, course_user
from passerelle.model.settings import Settings

COURSE_CONFIG = "/etc/passerelle"
"""Jupyter's configuration of a course's server; by JUPYTER_CONFIG_PATH it comes before the environment's own."""

PACKAGE = Path(passerelle.__file__).resolve().parent

LISTEN = "PASSERELLE_LISTEN"
"""Names, in a server's environment, the descriptor of its socket (`passerelle_lab.inherited`)."""

THREADS = str(min(os.cpu_count() or 1, 4))
AT_ONCE = max(2, os.cpu_count() or 1)
"""A start keeps a core busy; on 2 cores one, two or three at a time make no difference that we could measure."""
LOCALES = {"en": "en", "fr": "fr_FR"}
ANSWERS_WITHIN_S = 60.0
"""For how long a server that runs may be silent at its start."""
LAST_WORDS_S = 0.5
"""Within this the supervisor has written down what a server said that ended."""


def learner_programs(prefix: Path) -> list[Path]:
    """Return the directories, outside the system's own, that an environment's Python runs from."""
    prefix = prefix.resolve()
    base = (prefix / "bin" / "python").resolve().parent.parent
    return [path for path in dict.fromkeys((prefix, base)) if not path.is_relative_to("/usr")]


def platform_programs() -> list[Path]:
    """Return the same of this process, and where its `passerelle` lies when that is elsewhere."""
    programs = learner_programs(Path(sys.prefix))
    return programs if _inside(PACKAGE, programs) else [*programs, PACKAGE]


def _inside(path: Path, directories: list[Path]) -> bool:
    return any(path.is_relative_to(directory) for directory in directories)


class ServerEndedError(ServiceError):
    """A server ended before it answered."""

    @classmethod
    def of(cls, name: str, log: Path) -> Self:
        """Build the error from the last line of the server's log."""
        lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
        return cls(f"the server of {name} ended before it answered ({lines[-1] if lines else 'no word'}): see {log}")


class BubblewrapSpawner(LocalProcessSpawner):  # type: ignore[misc]  # jupyterhub has no types
    """Starts `jupyterhub-singleuser` in a box, as this process's own unprivileged user."""

    homes_settings = Dict(help="the installation's settings (the fields of `model.settings.Settings`)").tag(config=True)
    at_once = Integer(AT_ONCE, help="how many servers start at one time; the others wait").tag(config=True)

    born: int | None = None
    _turns: ClassVar[asyncio.Semaphore | None] = None
    _queue: ClassVar[list[Self]] = []
    """Who starts or waits, in order; the first `at_once` of them start."""

    @property
    def installation(self) -> Settings:
        """Return the installation's settings."""
        return Settings(**self.homes_settings)

    @property
    def track(self) -> str | None:
        """Return the track whose course this server is of; None for a person's."""
        prefix = course_user("")
        name: str = self.user.name
        return name.removeprefix(prefix) if name.startswith(prefix) else None

    def make_preexec_fn(self, name: str) -> None:  # noqa: ARG002  # the hub's signature
        """Do nothing: the server runs as we do, and its box is made by bubblewrap."""
        return

    async def move_certs(self, paths: Any) -> Any:
        """Leave certificates where they are; there are none on one machine."""
        return paths

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Return only what a server needs; whatever else this process has in its environment stays here."""
        settings = self.installation
        home = f"/home/{self.user.name}"
        language = self._language()
        prefix = Path(sys.prefix).resolve() if self.track else settings.learner.resolve()
        kept = {name: value for name, value in env.items() if name.startswith(("JUPYTERHUB_", "JPY_"))}
        kept |= {
            "HOME": home,
            "USER": self.user.name,
            "LOGNAME": self.user.name,
            "SHELL": "/bin/bash",
            "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "LANGUAGE": LOCALES[language],
            "TZ": settings.timezone,
            "TMPDIR": "/tmp",  # noqa: S108  # the box's own
            "XDG_RUNTIME_DIR": RUNTIME,
            "JUPYTER_RUNTIME_DIR": f"{RUNTIME}/jupyter",
            # A class shares the machine's cores, and each thread has memory of its own.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), THREADS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108  # the box's own
            "PASSERELLE_LANGUAGE": language,
            "PASSERELLE_EXPLAIN_ERRORS": "on" if settings.explain_errors else "off",
            "PASSERELLE_API": f"http://127.0.0.1:{Ports.from_environment().service}/services/{SERVICE}/api",
            "PASSERELLE_PAGES": origins.pages_address(settings),
        }
        if self.track:
            kept |= {"PASSERELLE_TRACK": self.track, "PASSERELLE_COURSE": home, "JUPYTER_CONFIG_PATH": COURSE_CONFIG}
            if settings.gradebooks:
                kept[GRADEBOOK] = gradebook_url(settings.courses / self.track)
            if not _inside(PACKAGE, [prefix]):
                kept["PYTHONPATH"] = str(PACKAGE.parent)
        return kept

    def _language(self) -> str:
        """Return the language this person reads; a course's server speaks the source language."""
        if self.track:
            return "en"
        made = ledger.engine(self.installation.database_url)
        try:
            with ledger.reading(made) as session:
                person = people.person(session, self.user.name)
                return person.language if person else "en"
        finally:
            made.dispose()

    def _check_may_have_server(self) -> None:
        """Refuse a server to those who have no use for one: mentors and coordinators read pages."""
        groups = {group.name for group in self.user.groups}
        if not self.track and not groups & {role_group(Role.FELLOW), role_group(Role.TRAINER)}:
            raise HTTPError(403, "this account has no workspace of its own")

    def _box(self, programs: list[Path]) -> Box:
        """Make the home and the files of the box."""
        name = self.user.name
        home = self.installation.home(name)
        if not self.track:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            home.chmod(0o700)
        inside = {
            "/etc/passwd": accounts_file(name),
            "/etc/group": groups_file(name),
            "/etc/jupyter/jupyter_server_config.json": json.dumps(box_config(self.installation)),
            "/etc/jupyter/nbgrader_config.json": json.dumps(exchange_config()),
        }
        if self.track:
            inside[f"{COURSE_CONFIG}/jupyter_server_config.json"] = json.dumps(course_config())
        contents = {path: _in_memory(text) for path, text in inside.items()}
        settings = self.installation
        return Box(name, home, programs, contents, settings.server_memory_mb * MB, settings.server_disk_mb * MB)

    async def start(self) -> tuple[str, int]:
        """Start the server when it is its turn, and wait until it answers."""
        self._check_may_have_server()
        cls = type(self)
        if cls._turns is None:
            cls._turns = asyncio.Semaphore(self.at_once)
        self._queue.append(self)
        try:
            async with cls._turns:
                try:
                    return await self._start_once()
                except ServerEndedError as error:
                    # Killed, most likely: the page that waits for it need not know.
                    self.log.warning("%s; it is started once more", error)
                    return await self._start_once()
        finally:
            self._queue.remove(self)

    async def _start_once(self) -> tuple[str, int]:
        """Start it and wait until it answers; ServerEndedError: it ended before."""
        address = self._start_in_box()
        await self._until_it_answers(*address)
        return address

    def _start_in_box(self) -> tuple[str, int]:
        prefix = Path(sys.prefix).resolve() if self.track else self.installation.learner.resolve()
        programs = platform_programs() if self.track else learner_programs(prefix)
        self.default_url = "/formgrader" if self.track else "/lab"
        # For a course only the server: a fellow's also prepares her home.
        self.cmd = [f"{prefix}/bin/python", "-m", f"passerelle_lab.{'inherited' if self.track else 'singleuser'}"]
        box = self._box(programs)
        log = os.open(self._log_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with bind() as listening:
                self.port = port_of(listening)
                environment = {**self.get_env(), LISTEN: listening.fileno()}
                command = box.command([*self.cmd, *self.args])
                descriptors = list(box.files.values())
                wanted = Launch(self.user.name, command, environment, descriptors, listening.fileno(), log)
                self.pid = launch(self.installation, wanted)
        finally:
            for descriptor in (*box.files.values(), log):
                os.close(descriptor)
        self.born = born(self.pid)
        self._remember()
        return "127.0.0.1", self.port

    def _remember(self) -> None:
        """Write down at once what runs: a hub that is killed while it waits for a server finds it again."""
        self.server.ip, self.server.port = "127.0.0.1", self.port
        self.orm_spawner.state = self.get_state()
        self.db.commit()

    async def poll(self) -> int | None:
        """Tell whether the server runs: None, or 0 where it has ended. The supervisor is its parent, not we."""
        if self._runs():
            return None
        self.clear_state()
        return 0

    def _runs(self) -> bool:
        # One that had ended when we looked for the first time was never born, for us.
        return bool(self.pid) and self.born is not None and born(self.pid) == self.born

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a server that an earlier hub started; a process that has its number since is not it."""
        super().load_state(state)
        self.born = state.get("born")

    def get_state(self) -> dict[str, Any]:
        """Return what the next hub needs to take it up."""
        state: dict[str, Any] = super().get_state()
        return {**state, "born": self.born} if "pid" in state else state

    def clear_state(self) -> None:
        """Forget a server that has ended."""
        super().clear_state()
        self.born = None

    def _log_path(self) -> Path:
        settings = self.installation
        # A file's name would say who is here.
        name = self.user.name if self.track else alias(settings, self.user.name).strip("#")
        path = settings.logs / "servers" / f"{name}.log"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    async def _until_it_answers(self, ip: str, port: int) -> None:
        """Wait until it answers, as the hub does afterwards, and look meanwhile whether it is still there.

        The hub would not: a connection says nothing, since the socket is there, and takes them, before the server is
        and after it has ended.

        Raises:
            ServerEndedError: it ended before.
            TimeoutError: it runs, and was silent for `ANSWERS_WITHIN_S`.
        """
        address = f"http://{ip}:{port}{self.server.base_url}api"
        asked = asyncio.ensure_future(wait_for_http_server(address, timeout=ANSWERS_WITHIN_S))
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                while not asked.done():
                    if not self._runs():  # not `poll`: that forgets the token, which a second start needs
                        await asyncio.sleep(LAST_WORDS_S)
                        raise ServerEndedError.of(self.user.name, self._log_path())
                    await asyncio.wait({asked}, timeout=0.1)
                await asked
        finally:
            asked.cancel()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield how far the start is, and how many are before it; the page has its own words for it."""
        percent = 10
        while True:
            before = self._queue.index(self) if self in self._queue else 0
            waits = before >= self.at_once
            yield {"progress": percent, "message": "opening", "before": before if waits else 0}
            await asyncio.sleep(1)
            percent = percent if waits else min(90, percent + 8)


def _in_memory(text: str) -> int:
    """Return a descriptor from which bubblewrap reads a file's content."""
    descriptor = os.memfd_create("box", 0)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def box_config(settings: Settings) -> dict[str, Any]:
    """Return jupyter-server's configuration in every box."""
    return {
        # Loopback is shared by all boxes; a socket in the box is not.
        "KernelManager": {"transport": "ipc"},
        "FileContentsManager": {"delete_to_trash": False},
        # What nobody uses gives its memory back: first kernels that run nothing, then the server. An open page keeps
        # no kernel: a class's laptops left open overnight would hold all of them (docs/decisions/0014-limits.md).
        "MappingKernelManager": {
            "cull_idle_timeout": settings.kernel_idle_s,
            "cull_interval": max(1, min(300, settings.kernel_idle_s // 4)),
            "cull_connected": True,
        },
        # A terminal would keep its server, too.
        "TerminalManager": {"cull_inactive_timeout": settings.kernel_idle_s, "cull_interval": 300},
        "ServerApp": {
            "shutdown_no_activity_timeout": settings.server_idle_s,
            "tornado_settings": origins.server_settings(settings),
        },
        "HubOAuth": {"cache_max_age": NAMED_FOR_S},
        # There are none, and looking for them starts npm where the machine has it.
        "LanguageServerManager": {"autodetect": False},
    }


def exchange_config() -> dict[str, Any]:
    """Return nbgrader's configuration in every box: its exchange is ours."""
    # By name: it belongs to the fellow's server, which knows nothing of the platform, nor the other way round.
    settings: dict[str, Any] = importlib.import_module("passerelle_lab.nbgrader_config").settings()
    return settings


def course_config() -> dict[str, Any]:
    """Return what a course's server adds: formgrader, and none of what is for fellows.

    A fellow's server brings its own (`passerelle_lab`'s `fellow/`).
    """
    return {
        "ServerApp": {
            "jpserver_extensions": {
                "passerelle.hub.formgrader": True,
                "nbgrader.server_extensions.formgrader": True,
                "nbgrader.server_extensions.course_list": False,
                "nbgrader.server_extensions.assignment_list": False,
                "nbgrader.server_extensions.validate_assignment": False,
            },
        },
        "LabApp": {"news_url": None, "extension_manager": "readonly"},
        # Formgrader offers a submission as a live notebook: its code would run beside the gradebook.
        "KernelSpecManager": {"ensure_native_kernel": False, "allowed_kernelspecs": ["none"]},
    }
