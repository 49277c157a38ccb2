"""The state of the random generators that modules share, as JSON: a check that seeds them means her code, too."""

import contextlib
import random
import sys
from typing import Any


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
