"""Logs: one JSON line an event, in `logs/<process>.log`, rotated, with nothing of anybody in them.

Each line has `time` (UTC), `process`, `level`, `logger`, `event` and, where there are some, `facts` and `error`.
Our own code says its events in words that name nobody. What others say (JupyterHub, Tornado, SQLAlchemy) is kept as
its template: a text that was put into it stands there as a keyed hash, the same for the same text, so that one
person's trouble can be followed without her name. Of an error stay its type and its places in the code; its words
only where we built them. See docs/guides/operator.en.md.
"""

import hashlib
import hmac
import json
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from passerelle import ledger
from passerelle.ledger.tables import Person
from passerelle.model.errors import PasserelleError
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings

LOG_BYTES = 5 * 1024 * 1024
KEPT = 3
"""Older files kept beside each log: so many times LOG_BYTES, and once more, is all that a process takes."""
NAMES_FOR_S = 10.0
FRAMES = 12
OURS = {"passerelle", "__main__"}
NAMES_KEY = "log-names"

_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_QUERY = re.compile(r"\?[^\s\"')\]>]*")
_SECRET = re.compile(r"(?i)\b(token|bearer|code|state|password|_xsrf)([=: ]+)[^\s&,;)]+|\b[0-9a-f]{40,}\b")
_PLAIN = re.compile(
    r"https?://127\.0\.0\.1(:\d+)?(/|/hub/?|/hub/api/?|/services/passerelle/?)?"
    r"|(service-)?passerelle|supervisor|metrics|user|server|service|course-[a-z0-9-]+|[A-Z]{3,7}|[\d.:, -]+"
)
"""What others may put into their words: our own addresses and services, methods, numbers."""

Names = Callable[[bool], frozenset[str]]
"""The names of everybody; True where they must be those of this moment."""


def set_up(process: str, settings: Settings, *, uncaught: bool = True) -> logging.Handler:
    """Let all that this process logs go to its own file; with `uncaught`, what ends it too."""
    handler = OwnFile(settings.logs / f"{process}.log")
    handler.setFormatter(JsonLines(process, Anonymous.of(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    for chatty in ("alembic", "weasyprint", "fontTools"):  # each page of paper would be thirty lines
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a full disk: an event is lost, and no copy of it goes elsewhere
    threading.excepthook = lambda end: _uncaught(end.exc_type, end.exc_value or end.exc_type(), end.exc_traceback)
    if uncaught:
        sys.excepthook = _uncaught
    return handler


@cache
def hub_handler() -> logging.Handler:
    """Return the handler of JupyterHub's process, whose configuration names this function."""
    return set_up("hub", Settings())


def hub_logging() -> dict[str, Any]:
    """Return what makes JupyterHub log as we do (a configuration of `logging`)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"passerelle": {"()": "passerelle.hub.logs.hub_handler"}},
        "loggers": {"JupyterHub": {"level": "INFO", "handlers": ["passerelle"]}},
    }


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("passerelle").critical("ended by an error", exc_info=(kind, error, where))


def alias(settings: Settings, text: str) -> str:
    """Return what stands for a text in an installation's logs."""
    return _alias(kept_secret(settings.secrets, NAMES_KEY).encode(), text)


def _alias(key: bytes, text: str) -> str:
    return "#" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:8]


class OwnFile(RotatingFileHandler):
    """A process's log: for its owner only, rotated, never more than KEPT older files.

    The supervisor lets what a process prints go to the same file: it follows when the file changes.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=KEPT, encoding="utf-8")

    def _open(self) -> Any:
        return open(  # with its rights from the first moment
            self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
        )

    def doRollover(self) -> None:  # noqa: N802  # logging's name
        """Begin a new file, for what this process prints too."""
        before = os.stat(self.baseFilename)  # noqa: PTH116  # logging keeps a text
        super().doRollover()
        for descriptor in (1, 2):
            try:
                same = os.path.samestat(os.fstat(descriptor), before)
            except OSError:
                continue  # it has none
            if same and self.stream is not None:
                os.dup2(self.stream.fileno(), descriptor)


class Anonymous:
    """Takes out of texts what is about somebody."""

    def __init__(self, key: str, names: Names) -> None:
        self._key = key.encode()
        self._names = names

    @classmethod
    def of(cls, settings: Settings) -> "Anonymous":
        """Return the one of an installation: its people are those of the ledger."""
        return cls(kept_secret(settings.secrets, NAMES_KEY), _names_in(settings))

    def alias(self, text: str) -> str:
        """Return what stands for a text: the same for the same text, and only here."""
        return _alias(self._key, text)

    def text(self, text: str, *, now: bool = False) -> str:
        """Return a text without query strings, tokens and names of people; `now`: also of somebody added just now."""
        plain = _SECRET.sub("…", _QUERY.sub("?…", text))
        names = self._names(now)
        return _WORD.sub(lambda word: self._word(word[0], names), plain)

    def _word(self, word: str, names: frozenset[str]) -> str:
        """Return a word, or what stands for it; of JupyterHub's `jupyterhub-user-acacia`, for its end."""
        begin = -1
        while True:
            if (end := word[begin + 1 :]).lower() in names:
                return word[: begin + 1] + self.alias(end.lower())
            if (begin := word.find("-", begin + 1)) < 0:
                return word

    def argument(self, value: object) -> object:
        """Return what stands for something that others put into their template."""
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, BaseException):
            return type(value).__name__
        if isinstance(value, str) and _PLAIN.fullmatch(value):
            return value
        return self.alias(str(value))


def _names_in(settings: Settings) -> Names:
    """Return what says the names of everybody in the ledger: handles, first names; asked again after a while."""
    known: frozenset[str] = frozenset()
    until = 0.0

    @cache
    def engine() -> Engine:
        return ledger.engine(settings.database_url)

    def there() -> bool:
        # To ask a ledger that is not there would make one, in the middle of a restore perhaps.
        return bool(settings.database) or (settings.root / "ledger.db").exists()

    def names(now: bool) -> frozenset[str]:
        nonlocal known, until
        if (now or time.monotonic() >= until) and there():
            until = time.monotonic() + NAMES_FOR_S  # first: what is logged while we ask does not ask again
            try:
                with ledger.reading(engine()) as session:
                    rows = session.execute(select(Person.handle, Person.first_name)).all()
            except SQLAlchemyError:
                return known  # not there yet, or locked: what was known still holds
            known = frozenset(word.lower() for row in rows for name in row for word in _WORD.findall(name))
        return known

    return names


class JsonLines(logging.Formatter):
    """Makes one JSON line of a record."""

    def __init__(self, process: str, anonymous: Anonymous) -> None:
        super().__init__()
        self._process = process
        self._anonymous = anonymous

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "process": self._process,
            "level": record.levelname,
            "logger": record.name,
            "event": self._event(record),
        }
        facts = getattr(record, "facts", None)
        if isinstance(facts, Mapping):
            line["facts"] = dict(facts)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self._error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)

    def _event(self, record: logging.LogRecord) -> str:
        if record.name.partition(".")[0] in OURS:
            return self._anonymous.text(_message(record.msg, _plain_errors(record.args)))
        template = str(record.msg)
        if not record.args:
            # Others may have put a name into it before we see it, at the first log-in of somebody for instance.
            return self._anonymous.text(template.splitlines()[0] if template else "", now=True)
        hidden: Any = (
            {name: self._anonymous.argument(value) for name, value in record.args.items()}
            if isinstance(record.args, Mapping)
            else tuple(self._anonymous.argument(value) for value in record.args)
        )
        # The template may have been made of something; what is put into it is hidden already.
        return _message(self._anonymous.text(template), hidden)

    def _error(self, error: BaseException) -> dict[str, object]:
        told: dict[str, object] = {"type": type(error).__name__}
        if isinstance(error, PasserelleError) and not error.quotes:
            told["says"] = self._anonymous.text(re.split(r"\s*\[(?:SQL|parameters):", str(error))[0])
        elif isinstance(error, OSError) and error.strerror:
            told["says"] = error.strerror
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        told["at"] = [f"{'/'.join(Path(one.filename).parts[-2:])}:{one.lineno} {one.name}" for one in frames]
        if error.__cause__ is not None:
            told["because"] = self._error(error.__cause__)
        return told


def in_words(line: str) -> str:
    """Return a line of a log as a sentence; one that is no event of ours as it is."""
    try:
        record = json.loads(line)
        error = record.get("error") or {}
        parts = (record["event"], error.get("type"), error.get("says"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return line
    return ": ".join(str(part) for part in parts if part)


def _message(template: object, args: Any) -> str:
    try:
        return str(template) % args if args else str(template)
    except (TypeError, ValueError):
        return str(template)


def _plain_errors(args: Any) -> Any:
    """Return arguments with errors that are not ours as their type alone: their words may quote somebody."""
    if not isinstance(args, tuple):
        return args
    return tuple(
        type(one).__name__ if isinstance(one, BaseException) and getattr(one, "quotes", True) else one for one in args
    )
