"""Whom the words ask, and what they may say: one session a process."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from autograders import answers
from autograders.handles import Desk
from autograders.typed import pack

if TYPE_CHECKING:
    from autograders.web_warm import Warm


class Source(Protocol):
    """Where answers come from: her own kernel, or a pipe to the box."""

    def get(self, name: str) -> dict[str, Any]:
        """Answer what a variable holds."""
        ...

    def call(self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], *, back: bool) -> dict[str, Any]:
        """Answer what a call returns; the arguments are typed data."""
        ...

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about handles (`autograders.handles`)."""
        ...

    def page(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer what a browser sees of a page (`autograders.web_dev`): "path", "width", "axe"."""
        ...

    def forget(self) -> None:
        """Let go of the handles: another check begins."""
        ...


class Kernel:
    """The kernel this runs in."""

    def __init__(self) -> None:
        self._desk: Desk | None = None
        self._browser: Warm | None = None

    def get(self, name: str) -> dict[str, Any]:
        """Answer what a variable holds."""
        return answers.get(answers.namespace(), name)

    def call(self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], *, back: bool) -> dict[str, Any]:
        """Answer what a call returns."""
        return answers.call(answers.namespace(), name, answers.Given.of(arguments, keywords), back=back)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about handles."""
        self._desk = self._desk or Desk(answers.namespace(), _no_callback)
        return self._desk.answer({"ask": "do", **question})

    def page(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer what a browser beside this kernel sees of a page."""
        from autograders import web_site, web_warm  # noqa: PLC0415  only where there are pages

        browser = self._browser = self._browser or web_warm.here()

        def browse(files: Mapping[str, bytes], asked: Mapping[str, Any]) -> dict[str, Any]:
            try:
                return browser.look(files, asked["path"], width=asked["width"], axe=asked["axe"])
            except web_warm.NoBrowserError:
                return {"trouble": "page-no-browser", "args": {}}

        return web_site.answer(answers.site(question["path"]), question, browse)

    def forget(self) -> None:
        """Let go of what was handed out: another cell begins, and her objects may be large."""
        self._desk = None
        if self._browser is not None:
            self._browser.forget_trouble()


def _no_callback(_answer: dict[str, Any]) -> dict[str, Any]:
    raise TypeError("a function of a check cannot be handed to a fellow's code")


class Session:
    """Whom the words ask.

    `silent_facts`: hidden tests are running, so no message may hold a value. `looked`: plain data of hers
    has been handed to the check cell's own Python (an error there may be about her answer).
    """

    def __init__(self) -> None:
        self.source: Source = Kernel()
        self.silent_facts = False
        self.looked = False


session = Session()


def packed(value: Any) -> Any:
    """Return an argument of a call as typed data.

    Raises:
        TypeError: the author gave something that cannot cross into the box.
    """
    data = pack(value)
    if isinstance(data, dict) and data.get("t") == "opaque":
        raise TypeError(
            f"an argument of type {type(value).__name__} cannot be handed to a fellow's function; give plain data"
        )
    return data
