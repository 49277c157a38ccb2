"""The random generators that modules share: their seed, and their state (a check that seeds them means hers, too)."""

import contextlib
import hashlib
import random
import secrets
import sys
from typing import Any


def seed(text: str) -> None:
    """Let every generator begin as the text says, whatever the run: those of `random`, of numpy, and new ones of numpy.

    What asks the system itself (`os.urandom`, `random.SystemRandom`, `uuid4`) stays as random as it is.
    """
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    random.seed(number)
    # numpy takes this for what is not seeded (`default_rng()`), from here if it is imported later.
    drawn = random.Random(number).getrandbits  # noqa: S311  no secret
    vars(secrets)["randbits"] = drawn
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.bit_generator.randbits = drawn
        numpy.seed(number % 2**32)


def state() -> list[Any]:
    """Return the state of `random` and, where it is loaded, of `numpy.random`."""
    found: list[Any] = [list(part) if type(part) is tuple else part for part in random.getstate()]
    numpy = sys.modules.get("numpy.random")
    if numpy is None or not hasattr(numpy, "get_state"):
        return [found, None]
    name, keys, *rest = numpy.get_state(legacy=True)
    return [found, [str(name), keys.tolist(), *rest]]


def restore(data: Any) -> None:
    """Set the state; what is no state is left alone."""
    with contextlib.suppress(TypeError, ValueError, LookupError, OverflowError):
        version, keys, gauss = data[0]
        random.setstate((version, tuple(keys), gauss))
        if data[1] is not None and "numpy.random" in sys.modules:
            sys.modules["numpy.random"].set_state(tuple(data[1]))
