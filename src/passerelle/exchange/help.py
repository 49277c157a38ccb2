"""«I'm stuck», from the notebook: the same requests as on the pages."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from passerelle.exchange.errors import ApiError
from passerelle.exchange.handler import ApiHandler
from passerelle.exchange.rights import Part
from passerelle.exchange.submissions import KEY_HEADER, is_key
from passerelle.ledger import help as asking
from passerelle.ledger import releases
from passerelle.ledger.mentoring_tables import HelpRequest


class HelpHandler(ApiHandler):
    """`api/help/<track>/<unit>`: a fellow asks for help; the same key again is the same request."""

    async def post(self, track: str, unit: str) -> None:
        """Put it into the trainers' queue; the answer says until when she gets one. It is sent once that is stored."""
        self.caller.must_be(Part.FELLOW, track)
        key = self.request.headers.get(KEY_HEADER, "")
        if not is_key(key):
            raise ApiError.of(400, "bad-key")
        asked = self.json_body()
        check, words = _text(asked, "check", 128), _text(asked, "words", asking.MOST_CHARACTERS)

        def ask(session: Session) -> HelpRequest:
            if releases.newest_release(session, track, unit) is None:
                raise ApiError.of(404, "not-released", unit=unit, track=track)
            return asking.ask(
                session,
                fellow=self.caller.name,
                track=track,
                unit=unit,
                check=check or None,
                words=words,
                token=key,
                at=self.context.clock(),
                zone=ZoneInfo(self.context.settings.timezone),
            )

        try:
            request = await self.writing(ask)
        except asking.TooManyOpenError as error:
            raise ApiError.of(409, "too-many-questions", count=asking.MOST_OPEN) from error
        self.send_json({"asked": request.asked.isoformat(), "answer_by": request.answer_by.isoformat()}, 201)


def _text(asked: dict[str, Any], field: str, most: int) -> str:
    text = asked.get(field) or ""
    if not isinstance(text, str) or len(text) > most:
        raise ApiError.of(400, "bad-request", what=field)
    return text.replace("\0", "")  # PostgreSQL keeps none
