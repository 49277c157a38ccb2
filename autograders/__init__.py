"""What a check cell calls: `expect` looks at a fellow's answer, `hints` helps her on.

The same cell is her instant check (the words look into her own kernel) and, at marking, the examiner's
(they ask the box over a pipe). See `autograders.vocabulary` and `autograders.expectation` for the words.

    from autograders import expect
    expect("towns").frame(columns=["name", "population"], rows=692, look="look-towns")
    expect("mean_population").equals(41_250.5, tolerance=0.5, else_="mean-of-all-towns")
    expect.call("density", 120, 40).equals(3.0)
"""

from autograders.catalogue import language, set_language, words
from autograders.expectation import Expectation
from autograders.failure import CheckFailed
from autograders.figures import watch as _watch_figures
from autograders.ladder import hints
from autograders.vocabulary import expect

# Before her cells draw: a notebook closes figures, and the check comes later.
_watch_figures()

__version__ = "0.1.0"
__all__ = ["CheckFailed", "Expectation", "expect", "hints", "language", "set_language", "words"]
