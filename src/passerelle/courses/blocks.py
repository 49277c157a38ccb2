"""Markdown in blocks: what a translator sees as one piece.

Blocks are separated by blank lines. A fenced block and a list are one block each, blank lines inside
included, because half of one cannot be translated.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})")
_LIST_ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_INDENTED = re.compile(r"^(?: {2,}|\t)\S")


@dataclass(frozen=True)
class Block:
    """A block and the blank lines that follow it, so that a text can be put together again."""

    text: str
    gap: str


def split_blocks(markdown: str) -> list[Block]:
    """Return the blocks of a text; joined (`text + gap`) they are the text, outer blank lines left out."""
    groups = _paragraphs(markdown.strip("\n").split("\n")) if markdown.strip() else []
    merged: list[list[str]] = []
    for group in groups:
        if merged and _continues(merged[-1], group):
            merged[-1].extend(group)
        else:
            merged.append(group)
    blocks = []
    for lines in merged:
        body = "\n".join(lines)
        text = body.rstrip()
        # The line break after a block's last line belongs to its gap.
        blocks.append(Block(text, body[len(text) :] + "\n"))
    if blocks:
        blocks[-1] = Block(blocks[-1].text, "")
    return [block for block in blocks if block.text]


def translate_blocks(markdown: str, translate: Callable[[str], str]) -> str:
    """Return the text with every block replaced by its translation."""
    return "".join(translate(block.text) + block.gap for block in split_blocks(markdown))


def _paragraphs(lines: list[str]) -> list[list[str]]:
    """Return groups of lines that end with their blank lines; a fence never ends inside."""
    groups: list[list[str]] = []
    fence = ""
    after_blank = True
    for line in lines:
        blank = not line.strip()
        if after_blank and not blank and not fence:
            groups.append([line])
        else:
            groups[-1].append(line)
        fence = _fence_after(line, fence)
        after_blank = blank and not fence
    return groups


def _fence_after(line: str, fence: str) -> str:
    """Return the fence that is open after a line, or an empty string."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    marker = found["fence"]
    if not fence:
        return marker
    closes = marker[0] == fence[0] and len(marker) >= len(fence) and line.strip() == marker
    return "" if closes else fence


def _continues(before: list[str], group: list[str]) -> bool:
    """Say whether a group belongs to the list before it."""
    return bool(_LIST_ITEM.match(before[0]) and (_LIST_ITEM.match(group[0]) or _INDENTED.match(group[0])))
