"""From the files of a page to what a browser saw of it: the same way in her kernel and in the examiner."""

from collections.abc import Callable, Mapping
from typing import Any

from autograders.answers import MAX_SITE
from autograders.typed import pack

Browse = Callable[[Mapping[str, bytes], Mapping[str, Any]], dict[str, Any]]
"""Looks at the page of a question ("path", "width", "axe") among these files: "seen", or "trouble" and "args"."""


def answer(site: object, question: Mapping[str, Any], browse: Browse) -> dict[str, Any]:
    """Return the answer to a question about a page.

    Args:
        site: the page's files (`autograders.answers.site`); what is not as it should be is no file.
        question: "path", "width", "axe".
        browse: the browser.
    """
    path, found = question["path"], site if type(site) is dict else {}
    if type(found.get("size")) is int:
        return _trouble("page-too-big", megabytes=MAX_SITE // 1_000_000)
    files = found.get("files")
    if type(files) is not dict or type(files.get(path)) is not bytes:
        return _trouble("file-missing")
    files = {name: body for name, body in files.items() if type(name) is str and type(body) is bytes}
    if files[path].strip() in (b"", b"..."):
        return {"state": "stub"}
    if sum(map(len, files.values())) > MAX_SITE:
        return _trouble("page-too-big", megabytes=MAX_SITE // 1_000_000)
    told = browse(files, question)
    if "seen" not in told:
        return _trouble(str(told["trouble"]), **told["args"])
    return {"state": "value", "value": pack({"seen": {**told["seen"], "files": sorted(files)}})}


def _trouble(id_: str, **args: Any) -> dict[str, Any]:
    return {"state": "value", "value": pack({"trouble": id_, "args": args})}
