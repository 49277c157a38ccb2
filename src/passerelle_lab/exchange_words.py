"""What the exchange's clients say by themselves; the rest is said by the exchange, in the same language."""

import json
import os
from functools import cache
from pathlib import Path

from passerelle_lab.words import LOCALES

WORDS: dict[str, str] = {
    "unreachable": "We could not reach the server. Your work is safe in your folder; try again in a minute.",
    "unexpected": "The server answered something that we do not understand ({status}). Try again in a minute.",
    "no-address": (
        "This server does not know where the exchange is (PASSERELLE_API, JUPYTERHUB_API_TOKEN). Stop it and "
        "start it again from the hub."
    ),
    "not-a-parcel": "What arrived is incomplete. Ask for it again.",
    "have-it": (
        "You already have {folder}: your work there stays as it is. To get a missing file back, delete it "
        "and fetch with --replace."
    ),
    "no-track": "Which track? Add --course and its name.",
    "no-unit": "Which unit? Add its name.",
    "staff-only": "This is for the trainers of the track.",
    "receipts-stay": "What was submitted stays: receipts are never removed.",
    "released-already": "{unit} is already released in {track}; add --force to release this version.",
    "no-release-folder": "There is no {folder}: run `nbgrader generate_assignment {unit}` first.",
    "ours": "Something on our side did not work ({what}). Your work is safe in your folder; try again in a minute.",
}
"""English by id; other languages are in the catalogue `passerelle_exchange` (`python -m passerelle_lab.catalogues`)."""


def language() -> str:
    """Return the language of whose server this is."""
    return os.environ.get("PASSERELLE_LANGUAGE") or "en"


def tell(words_id: str, **facts: object) -> str:
    """Return words in her language."""
    english = WORDS[words_id]
    return _catalogue(language()).get(english, [english])[0].format(**facts)


@cache
def _catalogue(chosen: str) -> dict[str, list[str]]:
    folder = Path(__file__).parent / "locale" / LOCALES.get(chosen, "en") / "LC_MESSAGES"
    path = folder / "passerelle_exchange.json"
    texts: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return texts
