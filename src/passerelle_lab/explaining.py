"""Whether errors are explained in her notebooks (`autograders.explained`): her choice, kept in her home.

A kernel reads the file when an error comes, so her choice holds at once in every notebook that is open. Without one,
PASSERELLE_EXPLAIN_ERRORS says so.
"""

import os
from pathlib import Path

from tornado import web

from passerelle_lab.handlers import PasserelleHandler
from passerelle_lab.words import say

CHOICE = Path(".jupyter/passerelle-explain-errors")


def is_on(home: Path) -> bool:
    """Say whether errors are explained: as she chose, else as the environment says, else yes."""
    try:
        return (home / CHOICE).read_text("utf-8").strip() != "off"
    except (OSError, UnicodeError):
        return os.environ.get("PASSERELLE_EXPLAIN_ERRORS", "on") != "off"


class ExplainingHandler(PasserelleHandler):
    """`explaining`: read and chosen."""

    @web.authenticated
    async def get(self) -> None:
        """Send whether errors are explained."""
        self.answer({"on": is_on(Path.home())})

    @web.authenticated
    async def put(self) -> None:
        """Keep her choice."""
        on = (self.get_json_body() or {}).get("on") is True
        path = Path.home() / CHOICE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("on\n" if on else "off\n", "utf-8")
        except OSError:
            words = say(self.own_language, "Your choice could not be saved. Make room in your folder and try again.")
            return self.answer({"id": "folder", "error": words}, 507)
        return self.answer({"on": on})
