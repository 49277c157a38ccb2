"""Files that take a while to make: beside the pages, few at a time, so that nobody waits for a page because of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tornado.web import HTTPError

Answer = TypeVar("Answer")

AT_ONCE = 2
OF_ONE = 3
"""How many of one reader are made or wait for their turn."""

# Threads of their own: those of the event loop are few, and read the ledger for every page.
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files")
_of: Counter[str] = Counter()


async def made(work: Callable[[], Answer], handle: str) -> Answer:
    """Return what `work` makes for a reader, when it is its turn.

    Raises:
        HTTPError: 429, where so many of hers are being made already.
    """
    if _of[handle] >= OF_ONE:
        raise HTTPError(429)
    _of[handle] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _of[handle] -= 1
        if not _of[handle]:
            del _of[handle]
