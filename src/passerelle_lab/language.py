"""A unit's notebook in a language: the prose switched, everything she wrote kept.

The same rule as the bar's (`labextension/static/language.js`), for a notebook that is not open.
"""

import json
from typing import Any

Notebook = dict[str, Any]


def in_language(notebook: Notebook, language: str) -> Notebook:
    """Return a copy of a notebook with its prose in a language.

    A cell is replaced where it reads as one of its translations (`metadata.passerelle.text`); a cell that
    she changed, added or answered stays as it is, and so does one without a text in that language.
    """
    switched: Notebook = json.loads(json.dumps(notebook))
    for cell in switched.get("cells", []):
        texts = cell.get("metadata", {}).get("passerelle", {}).get("text", {})
        source = "".join(cell["source"]).rstrip()
        if language in texts and source in {text.rstrip() for text in texts.values()} - {texts[language].rstrip()}:
            cell["source"] = texts[language].splitlines(keepends=True)
    about = switched.get("metadata", {}).get("passerelle")
    if about is not None:
        about["language"] = language
    return switched


def dump(notebook: Notebook) -> bytes:
    """Return a notebook's bytes as Jupyter writes them."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
