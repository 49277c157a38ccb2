"""How much one account may ask for at a time. Never counted by address: a whole class sits behind one."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from passerelle.exchange.errors import ApiError
from passerelle.model.people import course_user

RATE_PER_S = 20.0
BURST = 200.0
COURSE_TIMES = 5
"""A course's own server collects for everybody in it: it may ask for so many times as much."""
BYTES_A_REQUEST = 200_000
"""A body costs one request more for each of these: reading it is most of the work."""
SERVER = {"idle_connection_timeout": 60.0, "body_timeout": 60.0, "max_body_size": 1_000_000}
"""For the HTTP server: a slow line ends some time; bodies of pages are small, and the API has its own limit."""
LARGE_BYTES = 1_000_000
UPLOADS_OF_ONE = 2
UPLOADS_IN_ALL = 8
UPLOAD_WAIT_S = 10.0


class Pace:
    """A token bucket an account: many requests at once, fewer for ever; a loop in a notebook stops nobody else."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str, body_bytes: int) -> None:
        """Let a request of an account pass.

        Raises:
            ApiError: 429, where it has asked for too much.
        """
        times = COURSE_TIMES if name.startswith(course_user("")) else 1
        now = self._clock()
        left, since = self._left.get(name, (BURST * times, now))
        left = min(BURST * times, left + (now - since) * RATE_PER_S * times)
        if left < 1:
            self._left[name] = (left, now)
            wait_s = (1 - left) / (RATE_PER_S * times)
            raise ApiError.too_much("too-fast", wait_s, seconds=max(1, round(wait_s)))
        # One large body may leave a debt: it is let in whole or not at all.
        self._left[name] = (left - 1 - body_bytes / BYTES_A_REQUEST, now)


class Uploads:
    """Large bodies on their way: each takes memory until its request is answered."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._places = asyncio.Semaphore(UPLOADS_IN_ALL)

    def on_their_way(self, name: str) -> int:
        """Return how many large bodies of an account are on their way."""
        return self._of[name]

    async def enter(self, name: str) -> None:
        """Take a place, waiting for one where all are taken; give it back by `leave`.

        Raises:
            ApiError: 429 where the account has its share, 503 where no place came free for a while.
        """
        if self.on_their_way(name) >= UPLOADS_OF_ONE:
            raise ApiError.too_much("too-many-uploads", 2, seconds=2)
        self._of[name] += 1
        try:
            await asyncio.wait_for(self._places.acquire(), UPLOAD_WAIT_S)
        except TimeoutError as error:
            self._forget(name)
            raise ApiError.of(503, "busy") from error
        except BaseException:
            self._forget(name)
            raise

    def leave(self, name: str) -> None:
        """Give a place back."""
        self._forget(name)
        self._places.release()

    def _forget(self, name: str) -> None:
        self._of[name] -= 1
        if not self._of[name]:
            del self._of[name]
