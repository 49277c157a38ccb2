"""The PO catalogue of a unit: reading it, what is missing in it, and its skeleton."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polib

from passerelle.courses.faults import CourseTextError, Fault
from passerelle.courses.texts import SourceText, message_context

_WRAP = 100
# How alike two English texts of one cell are before the old translation is offered for the new one.
_ALIKE = 0.6
# As autograders finds them: other braces are plain text.
_PLACE = re.compile(r"\{(\w+)\}")


class Gap(StrEnum):
    """Why a catalogue is not complete."""

    MISSING = "missing"
    FUZZY = "fuzzy"
    STALE = "stale"
    TWICE = "twice"
    PLACES = "places"


_SAID = {
    Gap.MISSING: ("has no translation", "translate it"),
    Gap.FUZZY: ("has a translation of an earlier text", "compare it, mend it, take `fuzzy` away"),
    Gap.STALE: ("is translated, but no longer in the unit", "run passerelle build --update-po"),
    Gap.TWICE: ("is translated twice", "take one away"),
    Gap.PLACES: ("has other {places} than the English", "write the same names in braces"),
}


@dataclass(frozen=True)
class TranslationGap:
    """One entry that keeps a catalogue from being complete."""

    kind: Gap
    text: SourceText

    def fault(self, where: str) -> Fault:
        """Return it as a fault of the catalogue at `where`."""
        what, cure = _SAID[self.kind]
        words = " ".join(self.text.english.split())
        short = words if len(words) <= 60 else words[:59] + "…"
        return Fault(f"{where}, {self.text.context}", f"«{short}» {what}", cure)


class Catalogue:
    """The translations of one unit into one language."""

    def __init__(self, entries: Sequence[polib.POEntry] = ()) -> None:
        self._entries = [entry for entry in entries if not entry.obsolete]
        self._translations = {
            _text(entry): str(entry.msgstr)
            for entry in self._entries
            if entry.msgstr.strip() and not entry.fuzzy and _places_agree(entry)
        }

    @classmethod
    def read(cls, path: Path, where: str) -> "Catalogue":
        """Return the catalogue of a file; an absent file is an empty one.

        Raises:
            CourseTextError: it is no PO file.
        """
        return cls(_read_po(path, where))

    def translation(self, context: str, english: str) -> str | None:
        """Return the translation of a text, or None where there is none that can be used."""
        return self._translations.get(SourceText(context, english))

    def gaps(self, texts: Iterable[SourceText]) -> tuple[TranslationGap, ...]:
        """Return what is missing, fuzzy, stale, doubled or has other places, in the order of the unit."""
        found = []
        by_text: dict[SourceText, polib.POEntry] = {}
        for entry in self._entries:
            if _text(entry) in by_text:
                found.append(TranslationGap(Gap.TWICE, _text(entry)))
            by_text.setdefault(_text(entry), entry)
        for text in (wanted := dict.fromkeys(texts)):
            kind = _gap(by_text.get(text))
            if kind is not None:
                found.append(TranslationGap(kind, text))
        found += [TranslationGap(Gap.STALE, text) for text in by_text if text not in wanted]
        return tuple(found)


def update_catalogue(path: Path, language: str, texts: Iterable[SourceText], where: str) -> bool:
    """Write the catalogue's skeleton from the English texts, keeping the translations; say whether it changed.

    A text that changed a little keeps its old translation, marked fuzzy. A translation that is no longer
    used stays at the end, as an obsolete entry.

    Raises:
        CourseTextError: the present file is no PO file.
    """
    old = _read_po(path, where)
    kept = {_text(entry): entry for entry in reversed(old)}
    wanted = tuple(dict.fromkeys(texts))
    spare = [entry for text, entry in kept.items() if text not in set(wanted) and entry.msgstr.strip()]
    written = polib.POFile(wrapwidth=_WRAP)
    written.header = old.header
    written.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }
    for text in wanted:
        written.append(_renewed(text, kept.get(text), spare))
    for entry in spare:
        entry.obsolete = True
        written.append(entry)
    # polib writes an empty comment where a file has no header.
    words = str(written).removeprefix("#\n").rstrip("\n") + "\n"
    changed = not path.exists() or path.read_text("utf-8") != words
    if changed:
        path.write_text(words, "utf-8")
    return changed


def _renewed(text: SourceText, entry: polib.POEntry | None, spare: list[polib.POEntry]) -> polib.POEntry:
    """Return the entry of a text: its own, else one like it from the same place, else an empty one."""
    if entry is not None:
        entry.obsolete = False
        return entry
    same = next((one for one in spare if one.msgid == text.english), None)
    if same is not None:
        spare.remove(same)
        return polib.POEntry(msgctxt=text.context, msgid=text.english, msgstr=same.msgstr, flags=list(same.flags))
    near = {one.msgid: one for one in spare if one.msgctxt == text.context}
    alike = difflib.get_close_matches(text.english, list(near), n=1, cutoff=_ALIKE)
    if not alike:
        return polib.POEntry(msgctxt=text.context, msgid=text.english, msgstr="")
    spare.remove(near[alike[0]])
    return polib.POEntry(
        msgctxt=text.context,
        msgid=text.english,
        msgstr=near[alike[0]].msgstr,
        flags=["fuzzy"],
        previous_msgid=alike[0],
    )


def _read_po(path: Path, where: str) -> polib.POFile:
    """Return a PO file; an absent one is empty."""
    if not path.exists():
        return polib.POFile()
    try:
        return polib.pofile(str(path), wrapwidth=_WRAP, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CourseTextError.at(where, f"not readable as PO ({error})", "mend that line") from error


def _text(entry: polib.POEntry) -> SourceText:
    return SourceText(entry.msgctxt or "", entry.msgid)


def _gap(entry: polib.POEntry | None) -> Gap | None:
    if entry is None or not entry.msgstr.strip():
        return Gap.MISSING
    if entry.fuzzy:
        return Gap.FUZZY
    return None if _places_agree(entry) else Gap.PLACES


def _places_agree(entry: polib.POEntry) -> bool:
    """Say whether a message's {places} are the same in both languages: only messages have places."""
    if not (entry.msgctxt or "").startswith(message_context("")):
        return True
    return set(_PLACE.findall(entry.msgid)) == set(_PLACE.findall(entry.msgstr))
