"""What the seven exchange classes share: the line to the exchange, where things lie, one kind of error."""

import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.exchange import ExchangeError, abc
from traitlets import Bool

from passerelle_lab import unit_folder
from passerelle_lab.client import Client, ClientError
from passerelle_lab.exchange_words import language, tell
from passerelle_lab.parcel import ParcelError
from passerelle_lab.words import say


class Exchange(abc.Exchange):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's exchange over Passerelle's HTTP API. Units lie at `<assignment_dir>/<track>/<unit>/`."""

    path_includes_course = Bool(True, help="Whether a unit's folder lies in a folder of its track's name.").tag(
        config=True
    )

    def start(self) -> Any:
        """Do what the class is for.

        Raises:
            ExchangeError: whatever went wrong; nbgrader's commands and the assignment list handle no other.
        """
        try:
            return super().start()
        except ExchangeError:
            raise
        except unit_folder.FolderError as error:
            self.fail(say(language(), error.text, **error.values))
        except (ClientError, ParcelError) as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(tell("ours", what=str(error)))
        except Exception as error:  # what else is raised here would end a fellow's assignment list
            self.log.debug("the exchange's client stopped", exc_info=True)
            self.fail(tell("ours", what=repr(error)))

    def fail(self, msg: str) -> None:
        """Say why nothing was done.

        Raises:
            ExchangeError: always, with these words.
        """
        self.log.error(msg)
        raise ExchangeError(msg)

    def init_src(self) -> None:
        """Prepare; most classes have nothing to."""

    def init_dest(self) -> None:
        """Prepare; most classes have nothing to."""

    def copy_files(self) -> None:
        """Do the transfer; a list transfers nothing."""

    @property
    def client(self) -> Client:
        """Return the line to the exchange."""
        return Client.from_environment()

    @property
    def track(self) -> str:
        """Return the track that was asked for.

        Raises:
            ExchangeError: where none was.
        """
        if not self.coursedir.course_id:
            self.fail(tell("no-track"))
        return str(self.coursedir.course_id)

    @property
    def unit(self) -> str:
        """Return the unit that was asked for; `<track>/<unit>/` and a path to it are taken too.

        Raises:
            ExchangeError: where none was.
        """
        if not self.coursedir.assignment_id:
            self.fail(tell("no-unit"))
        return Path(str(self.coursedir.assignment_id)).name

    @property
    def home(self) -> Path:
        """Return the directory that holds the tracks' folders."""
        return Path(self.assignment_dir).absolute()

    def parent_of(self, track: str) -> str:
        """Return the folder of a track's units in the home, empty where units lie in the home itself."""
        return track if self.path_includes_course else ""

    def folder(self, track: str, unit: str) -> Path:
        """Return where a unit lies."""
        return self.home / self.parent_of(track) / unit

    def files_of(self, parent: Path, track: str, unit: str) -> dict[str, bytes]:
        """Return what travels of a unit's folder: all but hidden files and what nbgrader is told to ignore."""
        files = unit_folder.collect(parent, track, unit)
        return {name: content for name, content in files.items() if not self._is_ignored(name)}

    def _is_ignored(self, name: str) -> bool:
        parts = PurePosixPath(name).parts
        return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in self.coursedir.ignore)
