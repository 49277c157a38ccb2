"""The page for an address that this server does not have, or that did not open: calm, and in her language."""

from typing import Any

from jinja2 import ChoiceLoader, DictLoader

from passerelle_lab.handlers import render, server_language, server_pages
from passerelle_lab.words import say


def error_page(status_code: int) -> str:
    """Return the page of an HTTP status, with a way back where there is one."""
    language, pages = server_language(), server_pages()
    if status_code == 404:
        title = say(language, "There is no such page")
        line = say(language, "The address may be old or incomplete.")
    else:
        title = say(language, "This page did not open")
        line = say(language, "What was saved is there. Please try again in a minute.")
    links = [{"href": pages, "text": say(language, "Back to my page"), "first": "yes"}] if pages else []
    return render(title, language=language, lines=[line], links=links)


def put_into(environment: Any) -> None:
    """Take the place of Jupyter's own pages, which speak of HTTP, in English."""
    environment.globals["passerelle_error_page"] = error_page
    ours = dict.fromkeys(("404.html", "error.html"), "{{ passerelle_error_page(status_code) | safe }}")
    environment.loader = ChoiceLoader([DictLoader(ours), environment.loader])
