"""Asking the marking service for something: mark again, read what a person marked."""

from collections.abc import Sequence
from typing import Any

from passerelle.exchange.errors import ApiError
from passerelle.exchange.handler import ApiHandler
from passerelle.exchange.rights import Part
from passerelle.ledger import queue


class MarkingHandler(ApiHandler):
    """`api/marking/<track>`: mark units or fellows again."""

    async def post(self, track: str) -> None:
        """Queue the receipts of `units` and `handles`, of all where they are not given."""
        self.caller.must_be(Part.STAFF, track)
        asked = self.json_body()
        units, handles = _names(asked, "units"), _names(asked, "handles")
        at = self.context.clock()
        queued = await self.writing(lambda session: queue.put_all(session, track, at=at, units=units, handles=handles))
        self.context.wake_marking(b"mark")
        self.send_json({"queued": queued}, 202)


class ManualHandler(ApiHandler):
    """`api/manual/<track>`: a person marked something in formgrader."""

    def post(self, track: str) -> None:
        """Wake the marking service, which reads the marks from the gradebook."""
        self.caller.must_be(Part.STAFF, track)
        self.context.wake_marking(f"manual {track}".encode())
        self.send_json({"track": track}, 202)


def _names(asked: dict[str, Any], field: str) -> Sequence[str] | None:
    names = asked.get(field)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ApiError.of(400, "bad-request", what=field)
    return names
