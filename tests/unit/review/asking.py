"""What a reader does on a page: its words, and its forms as a browser without scripts sends them."""

import html
import re
from collections.abc import Mapping

import requests

from tests.unit.review.served import Served


def words(page: requests.Response) -> str:
    """Return what a page says, as one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


def send(served: Served, handle: str, path: str, form: Mapping[str, str], *, follow: bool = True) -> requests.Response:
    """Send a form with the token of the reader's session."""
    browser = served.as_(handle)
    token = re.search(r'name="_xsrf" value="([^"]+)"', browser.get(served.url("mydata"), timeout=20).text)
    assert token is not None
    return browser.post(
        served.url(path),
        data={"_xsrf": token[1], **form},
        headers={"Referer": served.url(path)},
        timeout=20,
        allow_redirects=follow,
    )
