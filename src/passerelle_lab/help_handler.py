"""«I'm stuck» in the notebook's bar: asked of the exchange, which answers with the day of an answer."""

import asyncio
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

from tornado import web

from passerelle_lab.client import Client
from passerelle_lab.handlers import EXPECTED, PasserelleHandler, reason
from passerelle_lab.words import LANGUAGES, day

ASK_TIMEOUT_S = 8.0


class HelpHandler(PasserelleHandler):
    """`help/<track>/<unit>`: the bar posts a check, her words and a token, and gets the day, also in her words."""

    @web.authenticated
    async def post(self, track: str, unit: str) -> None:
        """Ask."""
        asked: dict[str, Any] = self.get_json_body() or {}
        language = asked.get("language", self.own_language)
        language = language if language in LANGUAGES else self.own_language
        check, words = str(asked.get("check") or ""), str(asked.get("words") or "")
        try:
            line = replace(Client.from_environment(), timeout_s=ASK_TIMEOUT_S)
            key = str(asked.get("token") or uuid.uuid4())
            answer = await asyncio.to_thread(line.ask_help, track, unit, check, words, key)
        except EXPECTED as error:
            status, error_id, said = reason(language, error)
            return self.answer({"id": error_id, "error": said}, status)
        by = date.fromisoformat(answer["answer_by"])
        return self.answer({**answer, "days": {one: day(one, by) for one in LANGUAGES}})
