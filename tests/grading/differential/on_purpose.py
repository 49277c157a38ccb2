"""Where our marks differ from nbgrader's on purpose: the one list. docs/marking.md tells it to people."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.grading.differential.ours import Difference


@dataclass(frozen=True)
class Purpose:
    """One difference on purpose: its name, why it is so, and where it is seen (assignment/submission/notebook/cell).

    A `*` in a place stands for cells alone.
    """

    word: str
    reason: str
    places: tuple[str, ...]


ON_PURPOSE: tuple[Purpose, ...] = (
    Purpose(
        "copied-cells",
        "A copied or split cell: nbgrader 0.9.6 empties the copy's metadata, takes that for an old format and stops the whole batch. Ours: the last one counts, all are marked.",
        (
            "by-hand/split-answer-mixture/*",
            "by-hand/check-copied-eased-right/*",
            "by-hand/check-copied-eased-mixture/*",
            "by-value/copy-first-mixture/*",
            "by-value/copy-last-right/*",
            "by-value/split-answer-right/*",
            "by-value/check-copied-mixture/*",
            "callbacks/copy-first-right/*",
            "classes/check-copied-right/*",
            "classes/check-copied-eased-right/*",
            "errors/copy-overrides-right/*",
            "files/copy-overrides-right/*",
            "files/copy-overrides-mixture/*",
            "functions/copy-last-right/*",
            "functions/copy-last-mixture/*",
            "iterators/copy-overrides-mixture/*",
            "mutation/copy-first-right/*",
            "mutation/copy-first-mixture/*",
            "several/check-copied-right/*",
            "several/check-copied-mixture/*",
            "several/check-copied-eased-mixture/*",
            "shared/copy-last-mixture/*",
            "shared/split-answer-right/*",
            "shared/split-answer-mixture/*",
        ),
    ),
    Purpose(
        "metadata",
        "An id, a flag or a schema version that was changed stops nbgrader. Ours: metadata come from the gradebook, never from what was sent.",
        (
            "by-hand/renamed-right/*",
            "by-value/flags-off-mixture/*",
            "callbacks/schema-none-mixture/*",
            "classes/flags-off-right/*",
            "errors/schema-old-mixture/*",
            "iterators/flags-off-right/*",
            "iterators/flags-off-mixture/*",
            "iterators/schema-old-right/*",
            "iterators/schema-old-mixture/*",
            "iterators/schema-none-right/*",
            "iterators/schema-none-mixture/*",
            "mutation/schema-old-right/*",
            "mutation/schema-none-right/*",
            "order/renamed-mixture/*",
            "printing/renamed-right/*",
            "printing/renamed-mixture/*",
            "printing/schema-new-mixture/*",
            "shared/schema-new-right/*",
            "values/schema-new-right/*",
            "values/schema-new-mixture/*",
        ),
    ),
    Purpose(
        "no-notebook",
        "A file that is no notebook, or no notebook at all, stops nbgrader for this submission. Ours: 0 where there is nothing to mark, and she is told which file it is.",
        (
            "by-value/no-file-mixture/*",
            "by-value/not-a-notebook-right/*",
            "errors/not-a-notebook-mixture/*",
            "shared/no-file-right/*",
            "shared/not-a-notebook-right/*",
        ),
    ),
    Purpose(
        "kernel-gone",
        "exit() or a Python that dies stops nbgrader for this submission. Ours: what can be marked is marked, and the cell is named.",
        (
            "trouble/before-quits/*",
            "trouble/before-dies/*",
        ),
    ),
    Purpose(
        "beyond-the-maximum",
        "A number above a cell's points stops nbgrader. Ours: it is all of the points.",
        ("by-value/score-much/*",),
    ),
    Purpose(
        "stderr",
        "A warning, a log line or a print on stderr costs nbgrader's fellow all points of a check. Ours: nothing; it says nothing of the answer.",
        (
            "trouble/call-warns/trouble/test-call",
            "trouble/call-complains/trouble/test-call",
            "trouble/call-logs/trouble/test-call",
        ),
    ),
    Purpose(
        "tags",
        "A cell tagged skip-execution does not run with nbgrader, and a check that does not run has full points. Ours: tags of a submission count for nothing.",
        (
            "classes/skipped-checks-mixture/classes/test-savings",
            "errors/skipped-checks-mixture/errors/test-checked",
            "errors/skipped-checks-mixture/errors/test-parent",
            "errors/skipped-checks-mixture/errors/test-raises",
            "functions/skipped-answer-right/functions/test-mean",
            "functions/skipped-answer-right/functions/test-mean-empty",
            "shared/skipped-answer-right/shared/test-root",
            "shared/skipped-answer-right/shared/test-rows",
        ),
    ),
    Purpose(
        "builtins",
        "A builtin that her code rebinds (list, sum, print …) is rebound for nbgrader's checks too. Ours: a check has Python's own, unless the course says otherwise: nothing of hers judges.",
        (
            "by-value/hides-builtins-right/by-value/test-quiet",
            "by-value/hides-builtins-right/by-value/test-ratio",
            "by-value/hides-builtins-right/by-value/test-shown",
            "errors/hides-print-right/errors/test-safe",
            "errors/hides-print-mixture/errors/test-safe",
        ),
    ),
    Purpose(
        "earlier-checks",
        "What an earlier check defines is there for a later one, even where she deleted or moved that cell, or bound the name anew. nbgrader: a NameError in the later one.",
        (
            "shared/backwards-right/shared/test-stub",
            "shared/override-added-right/shared/test-stub",
            "printing/check-gone-right/printing/test-table",
        ),
    ),
    Purpose(
        "states",
        "A check begins with her work as it is at its place. What her functions kept from the calls of an earlier check (a default that grows, a counter, an array of hers changed in place) is there with nbgrader.",
        (
            "arrays/scale-place/arrays/test-big",
            "arrays/scale-place/arrays/test-values",
            "mutation/push-shared/mutation/test-push-again",
            "mutation/kept-counts/mutation/test-note-again",
            "mutation/mixture-1/mutation/test-note-again",
            "mutation/windows-lines-mixture/mutation/test-note-again",
        ),
    ),
    Purpose(
        "own-numbers",
        "Points by value are Python's own int and float. nbgrader reads the text of anything as a number, so that an object of her class may say how many points it is worth.",
        (
            "by-value/score-own/by-value/test-value",
            "by-value/score-kind/by-value/test-value",
        ),
    ),
)


def reason_of(difference: Difference) -> str | None:
    """Return the word of a difference that is on purpose; None of one that is not."""
    found = (purpose.word for purpose in ON_PURPOSE for place in purpose.places if _is_at(difference, place))
    return next(found, None)


def stale(found: Sequence[Difference], compared: set[str]) -> list[str]:
    """Return the places, of the submissions that were compared, where nothing differs."""
    return [
        place
        for purpose in ON_PURPOSE
        for place in purpose.places
        if submission_of(place) in compared and not any(_is_at(one, place) for one in found)
    ]


def submission_of(place: str) -> str:
    """Return the submission that a place is in."""
    return "/".join(place.split("/")[:2])


def _is_at(difference: Difference, place: str) -> bool:
    return difference.submission == submission_of(place) and fnmatchcase(difference.place, place)
