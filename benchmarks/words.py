"""How long each word of the vocabulary takes in a fellow's kernel: medians in milliseconds, over all its examples.

    python -m benchmarks.words        `make bench-words`

What is imported once (pandas, matplotlib) is imported before; her own function's time is part of a call.
"""

import contextlib
import statistics
import sys
import time

from autograders import CheckFailed
from scripts.vocabulary import Example, notebook, run
from scripts.vocabulary_examples import EXAMPLES

TIMES = 15
LIMIT_MS = 100.0
_TABLE = (
    "pd.DataFrame({'code': [f'{n:05}' for n in range(5_000)], 'people': range(5_000), 'share': np.arange(5_000) / 7})"
)
_HERS = (
    f"import numpy as np, pandas as pd\ntowns = {_TABLE}\ngrid = np.arange(100_000) / 7\nnames = list(range(20_000))"
)
LARGE = [
    Example("a table of 5,000 rows, equals", "", _HERS, (f'expect("towns").equals({_TABLE})',), ()),
    Example("… in another order", "", _HERS, (f'expect("towns").equals({_TABLE}.iloc[::-1])',), ()),
    Example(
        "… handed to a function",
        "",
        f"{_HERS}\ndef f(t): return len(t)",
        (f'expect.call("f", {_TABLE}).equals(5000)',),
        (),
    ),
    Example("an array of 100,000, equals", "", _HERS, ('expect("grid").equals(np.arange(100_000) / 7)',), ()),
    Example("a list of 20,000, equals", "", _HERS, ('expect("names").equals(list(range(20_000)))',), ()),
]


def _took_ms(check: str) -> float:
    began = time.perf_counter()
    with contextlib.suppress(CheckFailed):
        run(check)
    return 1000 * (time.perf_counter() - began)


def word_ms(one: Example) -> tuple[float, float]:
    """Return the median and the longest time of a word's examples, met and not met."""
    times = []
    with notebook(one.hers):
        for check in (*one.accepts, *one.refuses):
            _took_ms(check)  # what is imported once
            times += [_took_ms(check) for _ in range(TIMES)]
    return statistics.median(times), max(times)


def main() -> int:
    """Print the table; the exit code says whether each median is below the limit."""
    print(f"{'word':34}{'median ms':>10}{'longest ms':>12}")
    rows = [(one.word, *word_ms(one)) for one in (*EXAMPLES, *LARGE)]
    for word, median, longest in sorted(rows, key=lambda row: -row[1]):
        print(f"{word:34}{median:10.2f}{longest:12.2f}")
    slowest = max(median for _word, median, _longest in rows)
    print(f"slowest median: {slowest:.1f} ms; the limit is {LIMIT_MS:.0f} ms a word")
    return int(slowest > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
