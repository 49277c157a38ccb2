"""The words about a page she has written. The system's Chromium opens it; roles and names are those of a screen reader.

A page is looked at with all the files beside it, and nothing else: no network, no other page, no dialog, no new window.
What she could not see in a browser herself is in no message: every word says what was found.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from autograders.asked import Answer, Asked, lacking
from autograders.session import session
from autograders.web_tree import LANDMARKS

_SHOWN = 6
_NAMELESS = frozenset(
    {"click here", "here", "link", "read more", "more", "learn more", "this", "this link", "page", "go", "see"}
    | {"cliquer ici", "cliquez ici", "clique ici", "ici", "lien", "ce lien", "lire la suite", "en savoir plus", "plus"}
    | {"la suite", "suite", "voir"}
)
_PICTURELESS = frozenset(
    {"image", "picture", "photo", "img", "alt", "illustration", "logo", "portrait", "text", "texte", "une image"}
    | {"une photo", "an image", "a photo", "a picture", "image of", "picture of", "photo of", "alternative text"}
)
_SURE = 4
_OFTEN = {
    "fr": frozenset(
        {"le", "la", "les", "des", "du", "une", "et", "est", "dans", "pour", "avec", "mon", "ma", "mes", "je", "elle"}
        | {"sa", "ses", "son", "sont", "qui", "que", "à", "au", "aux", "ai", "été", "vers", "chez", "il"}
    ),
    "en": frozenset(
        {"the", "of", "and", "is", "are", "was", "to", "for", "with", "my", "she", "her", "this", "that", "from", "who"}
        | {"what", "can", "at", "has", "have", "it", "he", "his", "i", "you", "your", "we", "about", "in"}
    ),
}
_ALONE = frozenset({"banner", "main", "contentinfo"})
_SUFFIXES = (".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp", ".avif")
Thing = dict[str, Any]
Words = str | Iterable[str | tuple[str, ...]]


class Page(Asked):
    """A page that is looked at, as a browser shows it when all cells have run; its path begins at the notebook."""

    def __init__(self, path: str, width: int = 1280) -> None:
        self._path, self._width = path, width
        self._checked: list[dict[str, Any]] | None = None

        def ask(_back: bool) -> Answer:
            return session.source.page({"path": path, "width": width, "axe": False})

        super().__init__(path, ask, lambda: ask(False))

    def _bare(self) -> str:
        return self._name

    def _seen(self) -> dict[str, Any]:
        """Return what the browser saw; raises where there was nothing to see."""
        return self._told(self._look())

    def _told(self, found: Any) -> dict[str, Any]:
        if type(found) is not dict or type(found.get("seen")) is not dict:
            told = found if type(found) is dict else {}
            trouble = str(told.get("trouble") or "garbled")
            look = "look-file-missing" if trouble == "file-missing" else f"look-{trouble}"
            self._fail(trouble, None, look if trouble in _TROUBLES else None, dict(told.get("args") or {}))
        seen: dict[str, Any] = found["seen"]
        return seen

    def _things(self, keep: Callable[[Thing], bool]) -> list[Thing]:
        return [thing for thing in self._seen()["things"] if keep(thing)]

    # The page as a whole

    def language(self, *codes: str, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect that `<html lang>` says one of these languages ("fr" takes fr-FR, too); without one, any language.

        A page that says French and is written in English, or the other way round, does not.
        """
        found = str(self._seen()["lang"]).strip()
        short = found.lower().partition("-")[0]
        is_code = 2 <= len(short) <= 3 and short.isascii() and short.isalpha()
        if not is_code or (codes and short not in {code.lower() for code in codes}):
            expected = [f'lang="{code}"' for code in codes] or ["lang"]
            id_ = "page-language" if found else "page-no-language"
            self._fail(id_, else_, look or "look-page-language", {"expected": expected, "found": found[:40]}, facts)
        written = _language_of(str(self._seen()["text"]))
        if short in _OFTEN and written not in (None, short):
            args = {"expected": {"id": f"language-{written}", "args": {}}, "found": found[:40]}
            self._fail("page-language-text", else_, look or "look-page-language", args, facts)
        return self

    def title(
        self, *parts: str | tuple[str, ...], else_: str | None = None, look: str | None = None, **facts: Any
    ) -> Self:
        """Expect a title that says something, with these parts; letter case does not count.

        A tuple is one part in several forms: `("profile", "profil")`.
        """
        found = str(self._seen()["title"])
        if not found or found.lower() in ("document", "untitled", "page", "title", "titre", "..."):
            self._fail("page-no-title", else_, look or "look-page-title", {"found": found or "—"}, facts)
        if missing := lacking(found, parts):
            self._fail(
                "page-title", else_, look or "look-page-title", {"expected": missing, "found": found[:90]}, facts
            )
        return self

    def standard(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect that it begins as pages do: `<!doctype html>`, UTF-8, and a viewport as wide as the telephone."""
        seen = self._seen()
        if seen["doctype"] is not True:
            self._fail("page-no-doctype", else_, look or "look-page-doctype", {}, facts)
        if seen["encoding"].lower() != "utf-8":
            self._fail("page-no-charset", else_, look or "look-page-head", {"found": seen["encoding"] or "—"}, facts)
        if "width=device-width" not in seen["viewport"].replace(" ", ""):
            self._fail("page-no-viewport", else_, look or "look-page-head", {"found": seen["viewport"] or "—"}, facts)
        return self

    def shows(
        self, *parts: str | tuple[str, ...], else_: str | None = None, look: str | None = None, **facts: Any
    ) -> Self:
        """Expect these parts in the text that the page shows; letter case and white space do not count."""
        found = str(self._seen()["text"])
        if missing := lacking(found, parts):
            self._fail("page-lacks", else_, look, {"expected": missing, "found": found[:90] or "—"}, facts)
        return self

    # Things by role and name

    def has(
        self,
        role: str,
        name: Words = (),
        *,
        level: int | None = None,
        at_least: int = 1,
        count: int | None = None,
        inside: str | None = None,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect a thing of this role ("heading", "link", "button", "list", "main" …), as a screen reader says it.

        Args:
            role: its ARIA role; an element has one by itself (`<nav>` is "navigation", `<header>` "banner").
            name: parts of its accessible name; a tuple is one part in several forms.
            level: of a heading.
            at_least: so many of them.
            count: exactly so many.
            inside: a landmark it stands in.
            else_: the unit's message.
            look: where to look.
            facts: more places of the message.
        """
        of_role = self._things(lambda one: one["role"] == role and level in (None, one["level"]))
        here = [one for one in of_role if inside is None or inside in one["inside"]]
        found = [one for one in here if not lacking(one["name"], name)]
        if len(found) < at_least if count is None else len(found) != count:
            args = {"expected": at_least if count is None else count, "found": len(found), "role": _role(role, level)}
            names = [one["name"] or "—" for one in here][:_SHOWN]
            wanted = [name] if isinstance(name, str) else [one if isinstance(one, str) else one[0] for one in name]
            if wanted and not found:
                self._fail("page-role-named", else_, look, {**args, "expected": wanted, "found": names or "—"}, facts)
            place = {"place": _role(inside)} if inside is not None else {}
            self._fail("page-role-inside" if inside else "page-role", else_, look, {**args, **place}, facts)
        return self

    def landmarks(self, *roles: str, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect each of these landmarks exactly once; head, main part and foot stand inside no other.

        "banner" is `<header>`, "navigation" `<nav>`, "main" `<main>`, "complementary" `<aside>`, "contentinfo"
        `<footer>`.
        """
        for role in roles:
            self.has(role, count=1, else_=else_, look=look or "look-page-landmark", **facts)
        for one in self._things(lambda one: one["role"] in roles and one["role"] in _ALONE and one["inside"]):
            args = {"role": _role(one["role"]), "place": _role(one["inside"][-1])}
            self._fail("page-landmark-inside", else_, look or "look-page-landmark", args, facts)
        return self

    def headings(self, *, at_least: int = 1, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect so many headings: one `h1`, and it comes first; none empty; none jumps down a level (h2 to h4)."""
        found = self._things(lambda one: one["role"] == "heading")
        look = look or "look-page-headings"
        levels = [one["level"] for one in found]
        if levels.count(1) != 1:
            self._fail("page-one-h1", else_, look, {"found": levels.count(1)}, facts)
        if levels[0] != 1:
            self._fail("page-h1-first", else_, look, {"found": f"h{levels[0]}"}, facts)
        if empty := [f"h{one['level']}" for one in found if not one["name"]]:
            self._fail("page-heading-empty", else_, look, {"found": empty[:_SHOWN]}, facts)
        for before, after in pairwise(found):
            if after["level"] > before["level"] + 1:
                args = {
                    "expected": f"h{before['level'] + 1}",
                    "found": f"h{after['level']}",
                    "text": after["name"][:60],
                }
                self._fail("page-heading-jump", else_, look, args, facts)
        if len(found) < at_least:
            self._fail("page-few-headings", else_, look, {"expected": at_least, "found": len(found)}, facts)
        return self

    def links(
        self,
        *,
        at_least: int = 1,
        else_: str | None = None,
        look: str | None = None,
        **facts: Any,
    ) -> Self:
        """Expect so many links. Each says by its text where it leads, and leads somewhere.

        "Here" and an address are no text that says so. A link to a place of the page itself (`#work`) needs an element
        with this id; one to a file of hers needs the file.
        """
        found = self._things(lambda one: one["tag"] == "a")
        look = look or "look-page-links"
        linked = [one for one in found if one["role"] == "link"]
        for one in found:
            name, address = one["name"], one["attributes"].get("href", "").strip()
            if not name:
                self._fail("page-link-nameless", else_, look, {"found": address[:60] or "—"}, facts)
            if name.lower().strip(" .!→»…") in _NAMELESS or name.startswith(("http:", "https:", "www.")):
                self._fail("page-link-vague", else_, look, {"found": name[:60]}, facts)
            if not self._leads(address):
                args = {"text": name[:60], "found": address[:60] or "—"}
                self._fail("page-link-nowhere", else_, look, args, facts)
        if len(linked) < at_least:
            self._fail("page-few-links", else_, look, {"expected": at_least, "found": len(linked)}, facts)
        return self

    def link_to(self, start: str, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect a link whose address begins like this: "mailto:", "https://", "#"."""
        found = [one["attributes"].get("href", "")[:60] for one in self._things(lambda one: one["role"] == "link")]
        if not any(address.startswith(start) and address != start for address in found):
            args = {"expected": start, "found": found[:_SHOWN] or "—"}
            self._fail("page-link-to", else_, look or "look-page-links", args, facts)
        return self

    def _leads(self, address: str) -> bool:
        seen = self._seen()
        parts = urlsplit(address)
        if address in ("", "#") or parts.scheme == "javascript":
            return False
        if parts.scheme in ("http", "https"):
            return "." in parts.netloc
        if parts.scheme:
            return bool(parts.path)
        if parts.path and unquote(parts.path).lstrip("./") not in seen["files"]:
            return False
        return bool(parts.path) or unquote(parts.fragment) in seen["ids"]

    def images(self, *, at_least: int = 0, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect so many images that tell something, each with an alternative text that says what.

        The name of a file, "image" and "photo" say nothing. `alt=""` is for decoration: it is right, and not counted.
        """
        found = self._things(lambda one: one["tag"] == "img")
        look = look or "look-page-images"
        for one in found:
            source, text = one["attributes"].get("src", "")[:60], one["attributes"].get("alt")
            if source in self._seen()["absent"] or not source:
                self._fail("page-image-missing", else_, look, {"found": source or "—"}, facts)
            if text is None:
                self._fail("page-image-no-alt", else_, look, {"found": source}, facts)
            if text and (
                text.strip().lower() in _PICTURELESS or text.strip().lower().endswith(_SUFFIXES) or text.isspace()
            ):
                self._fail("page-image-alt", else_, look, {"text": text[:60], "found": source}, facts)
        # One without a role is there for no reader: it is not shown, or hidden from those who do not see it.
        hidden = ("", "none", "generic")
        telling = sum(bool(one["attributes"].get("alt")) and one["role"] not in hidden for one in found)
        if telling < at_least:
            self._fail("page-few-images", else_, look, {"expected": at_least, "found": telling}, facts)
        return self

    # What the browser and axe-core say

    def accessible(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect that axe-core, a tool that looks for barriers, finds none."""
        if self._checked is None:
            answer = session.source.page({"path": self._path, "width": self._width, "axe": True})
            self._checked = self._told(self._plain(self._settled(answer)))["axe"] or []
        if self._checked:
            first = self._checked[0]
            args = {"rule": first["id"], "found": first["where"][:120], "count": len(self._checked)}
            self._fail("page-barrier", else_, look or "look-page-barrier", args, facts)
        return self

    def clean(self, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Self:
        """Expect no error in the console, and that all it asks for are files beside it that are there."""
        seen = self._seen()
        for id_, found in (
            ("page-absent", seen["absent"]),
            ("page-elsewhere", seen["elsewhere"]),
            ("page-console", seen["console"]),
        ):
            if found:
                self._fail(id_, else_, look or f"look-{id_}", {"found": str(found[0])[:120]}, facts)
        return self


class Unseen:
    """A page in the box of a submission, where there is no browser and nobody reads what an instant check says."""

    def __getattr__(self, word: str) -> Callable[..., Self]:
        if word.startswith("_"):  # IPython asks for a name that nobody has, to find out who says yes to everything
            raise AttributeError(word)
        return lambda *_args, **_kwargs: self

    def _ipython_display_(self) -> None:
        """Show nothing."""


_TROUBLES = frozenset(
    {
        "file-missing",
        "page-slow",
        "page-dialog",
        "page-popup",
        "page-download",
        "page-left",
        "page-memory",
        "page-too-big",
    }
)


def _language_of(text: str) -> str | None:
    """Return the language a text is written in, where its small words leave no doubt."""
    words = text.lower().replace("’", "' ").replace("'", " ").split()
    counts = {code: sum(word.strip(".,:;!?()") in often for word in words) for code, often in _OFTEN.items()}
    most = max(counts, key=counts.__getitem__)
    others = sum(counts.values()) - counts[most]
    return most if counts[most] >= _SURE and counts[most] > 3 * others else None


def _role(role: str, level: int | None = None) -> dict[str, Any] | str:
    """Return a role in words."""
    if level is not None:
        return f"`h{level}`"
    known = (*LANDMARKS, "heading", "paragraph", "link", "image", "list", "listitem", "button", "textbox")
    return {"id": f"role-{role}", "args": {}} if role in known else role
