"""An attempt's result as its reader gets it: points and words in her language, what waits, never a 0 of ours."""

import asyncio
import importlib
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from passerelle.exchange.errors import ApiError
from passerelle.exchange.handler import ApiHandler
from passerelle.ledger import receipts
from passerelle.ledger.receipts import AttemptRow
from passerelle.model.course import Course, Unit, in_language
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import CheckState, Message, Verdict


class ResultsHandler(ApiHandler):
    """`api/results/<receipt>`: for whose attempt it is, and for the course."""

    async def get(self, receipt_id: str) -> None:
        """Send the result as it is now."""
        asked = self.get_query_argument("language", "")
        language = asked if asked in LANGUAGES else self.caller.language

        def found(session: Session) -> AttemptRow | None:
            return receipts.attempt(session, receipt_id)

        attempt = await self.reading(found)
        # One answer for «there is none» and «it is somebody else's»: nobody learns which.
        if attempt is None or not self.caller.may_read(attempt.handle, attempt.track):
            raise ApiError.of(404, "not-found")
        courses = self.context.settings.courses
        self.send_json(await asyncio.to_thread(lambda: result(attempt, unit_card(courses, attempt), language)))


def unit_card(courses: Path, attempt: AttemptRow) -> Unit | None:
    """Return the public part of an attempt's unit, None where its course is not built here."""
    try:
        course = Course.model_validate_json((courses / attempt.track / "course.json").read_bytes())
        return course.unit(attempt.unit).card
    except (OSError, ValueError, KeyError):
        return None


def result(attempt: AttemptRow, unit: Unit | None, language: str) -> dict[str, Any]:
    """Put an attempt's verdict into words.

    `points` are None until it is marked, and a check's are None while a person still has to read it.
    """
    verdict = attempt.verdict
    parsed = unit.model_dump(mode="json") if unit is not None else None
    checks = _checks(attempt, verdict, unit, language) if verdict is not None else []
    notices = verdict.notices if verdict is not None else ()
    return {
        "receipt": attempt.receipt,
        "unit": attempt.unit,
        "track": attempt.track,
        "number": attempt.number,
        "received": attempt.received.isoformat(),
        "sha256": attempt.sha256,
        "state": attempt.state,
        "points": attempt.points,
        "max": unit.max_points if unit is not None else sum(check["max"] for check in checks),
        "waits_for_person": attempt.waits_for_person,
        "seconds": verdict.seconds if verdict is not None else None,
        "notices": [_words(message, language, parsed) for message in notices],
        "checks": checks,
    }


def _checks(attempt: AttemptRow, verdict: Verdict, unit: Unit | None, language: str) -> list[dict[str, Any]]:
    """Return every check in the unit's order, those that it no longer has at the end."""
    parsed = unit.model_dump(mode="json") if unit is not None else None
    cards = {card.key: card for card in unit.checks} if unit is not None else {}
    marked = {check.key: check for check in verdict.checks}
    checks = []
    for key in dict.fromkeys((*cards, *marked, *attempt.manual)):
        card, check = cards.get(key), marked.get(key)
        by_hand = key in attempt.manual
        if check is None and not by_hand:
            continue  # younger than this verdict
        points = attempt.manual[key] if by_hand else check.points if check is not None else None
        checks.append(
            {
                "key": key,
                "task": card.task if card is not None else None,
                "title": in_language(card.title, language) if card is not None else key,
                "by_hand": by_hand,
                "state": (CheckState.BY_HAND if check is None else check.state).value,
                "points": points,
                "max": card.points if card is not None else check.max_points if check is not None else 0.0,
                "messages": [_words(message, language, parsed) for message in (check.messages if check else ())],
            }
        )
    return checks


def _words(message: Message, language: str, unit: dict[str, Any] | None) -> dict[str, str | None]:
    # By name: the words live with the checks, in a package that knows nothing of the platform.
    words = importlib.import_module("autograders").words
    look = words(message.look, message.args, language, unit) if message.look is not None else None
    return {"text": words(message.id, message.args, language, unit), "look": look}
