"""How easily a unit's prose is read, in each language."""

import re
from collections.abc import Iterator

from passerelle.courses import Fault, UnitFolder
from passerelle.proof.accessible import Page
from passerelle.proof.result import Readability

MOST_WORDS = 35
"""Words of a sentence: longer is a clear excess (STYLE asks for about 15)."""
MOST_MEAN = 18.0
"""Words of a sentence on the mean."""

_CODE = re.compile(r"```.*?```|`[^`\n]*`|\{\w+\}|https?://\S+", re.DOTALL)
# A sign after an ordinary space or none, an open quote before one, a straight apostrophe in a word.
_LOOSE = re.compile(r" [:;!?»%](?=\s|$)|\w[;!?»](?=\s|$)|\w:(?=\s|$)|«[^\u00a0\u202f]|\w'\w")
_END = re.compile(r"(?<=[.!?…:])[\s»”\"*)]+(?=[A-ZÀ-Ý«“\"(`])")


def readability(folder: UnitFolder) -> dict[str, Readability]:
    """Return the figures of the prose that the fellow reads, by language."""
    return {language: _figures([text for _, text in texts], language) for language, texts in _prose(folder).items()}


def sentence_faults(folder: UnitFolder) -> list[Fault]:
    """Return the sentences that are clearly too long, and languages whose sentences are so on the whole."""
    faults = []
    for language, texts in _prose(folder).items():
        for key, sentence in texts:
            count = len(_words(sentence))
            if count > MOST_WORDS:
                place = folder.where(f"unit.md, cell {key!r} ({language})")
                faults.append(Fault(place, f"«{sentence[:50]}…» has {count} words", "make two sentences of it"))
        found = _figures([text for _, text in texts], language)
        if found.mean > MOST_MEAN:
            place = folder.where(f"unit.md ({language})")
            what = f"a sentence has {found.mean:.0f} words on the mean, {MOST_MEAN:.0f} are the most"
            faults.append(Fault(place, what, "make the sentences shorter"))
    return faults


def sign_faults(folder: UnitFolder) -> list[Fault]:
    """Return the French texts in which a sign can come loose from its word, at the end of a line on a telephone."""
    faults = []
    cure = "a no-break space before : » % and after «, a narrow one before ; ! ?, and ’ in words"
    for context, english in folder.texts.all():
        french = folder.catalogues["fr"].translation(context, english) or ""
        bare = _CODE.sub("x", french)
        if found := _LOOSE.search(bare):
            near = " ".join(bare[max(0, found.start() - 30) : found.end()].split())
            faults.append(Fault(folder.where(f"fr.po, {context}"), f"a sign can come loose: «…{near}»", cure))
    return faults


def _prose(folder: UnitFolder) -> dict[str, list[tuple[str, str]]]:
    """Return the sentences by language, each with its cell's key."""
    found: dict[str, list[tuple[str, str]]] = {}
    for cell in (cell for cell in folder.cells if cell.is_prose):
        for language, text in folder.wording.page(cell.key, cell.source).items():
            sentences = found.setdefault(language, [])
            sentences += [(cell.key, one) for block in Page.of(text).prose for one in _sentences(block)]
    return found


def _sentences(block: str) -> Iterator[str]:
    for line in _END.split(block):
        if words := " ".join(line.split()):
            yield words


def _words(sentence: str) -> list[str]:
    return re.findall(r"[\w’'-]+", sentence)


def _figures(sentences: list[str], language: str) -> Readability:
    import textstat  # noqa: PLC0415  it takes a second

    counts = [len(_words(sentence)) for sentence in sentences] or [0]
    text = "\n".join(sentences)
    if language == "fr":
        textstat.set_lang("fr")
        measure, score = "Flesch, as Kandel and Moles have it for French", textstat.flesch_reading_ease(text)
    else:
        # Flesch's needs a dictionary of pronunciations from the network; this one counts letters.
        textstat.set_lang("en_US")
        measure, score = "automated readability index", textstat.automated_readability_index(text)
    mean = sum(counts) / len(counts)
    return Readability(sum(counts), len(counts), round(mean, 1), max(counts), measure, round(float(score), 1))
