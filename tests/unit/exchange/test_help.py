"""«I'm stuck» over the API: once, with the day of an answer, by a fellow of the track."""

import json
from typing import Any

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.ledger import help as asking
from passerelle.ledger.mentoring_tables import HelpRequest
from tests.unit.exchange.served import TRACK, UNIT, Served, error

KEY = "key-00000001"


def ask(served: Served, who: str | None = "acacia", key: str = KEY, unit: str = UNIT, **body: Any) -> requests.Response:
    asked = json.dumps({"check": "check-mean", "words": "Why?", **body}).encode()
    return served.ask(who, "POST", f"help/{TRACK}/{unit}", asked, Idempotency_Key=key)


def stored(served: Served) -> list[tuple[str, str | None, str | None, str | None]]:
    with ledger.reading(served.engine) as session:
        return [(one.fellow, one.unit, one.check, one.words) for one in session.scalars(select(HelpRequest))]


def test_an_answer_means_a_stored_request_and_says_the_day(served: Served) -> None:
    answer = ask(served)

    assert answer.status_code == 201
    assert stored(served) == [("acacia", UNIT, "check-mean", "Why?")]
    with ledger.reading(served.engine) as session:
        assert answer.json()["answer_by"] == session.scalars(select(HelpRequest)).one().answer_by.isoformat()


def test_a_dropped_line_makes_no_second_request(served: Served) -> None:
    first, again = ask(served), ask(served)

    assert first.json() == again.json()
    assert len(stored(served)) == 1


@pytest.mark.parametrize("field", ["words", "check"])
def test_half_a_letter_is_refused_and_a_nothing_is_left_out(served: Served, field: str) -> None:
    """JSON can say what no database keeps."""
    assert ask(served, **{field: "a\ud800b"}).status_code == 400
    assert ask(served, **{field: "a\0b"}).status_code == 201

    [kept] = stored(served)
    assert "ab" in kept


def test_words_and_check_may_be_empty(served: Served) -> None:
    assert ask(served, check="", words="").status_code == 201

    assert stored(served) == [("acacia", UNIT, None, None)]


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        pytest.param({"who": "maple"}, 403, id="a-trainer"),
        pytest.param({"who": None}, 401, id="nobody"),
        pytest.param({"key": "short"}, 400, id="no-key"),
        pytest.param({"unit": "d9-later"}, 404, id="not-open"),
        pytest.param({"words": ["a"]}, 400, id="no-text"),
        pytest.param({"words": "x" * (asking.MOST_CHARACTERS + 1)}, 400, id="a-book"),
    ],
)
def test_what_is_refused_leaves_nothing(served: Served, request_of: dict[str, Any], status: int) -> None:
    assert ask(served, **request_of).status_code == status

    assert stored(served) == []


def test_one_who_asks_very_often_is_told_the_cure(served: Served) -> None:
    for number in range(asking.MOST_OPEN):
        ask(served, key=f"key-{number:08}")

    assert error(ask(served, key="one-more-key")) == (409, "too-many-questions")
