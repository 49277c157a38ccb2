"""Who may no longer send is told so, in words, and nothing of it is taken; what she sent before stays hers to read."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.ledger import people, releases
from passerelle.ledger.tables import Person
from tests.unit.exchange.served import NOW, TRACK, UNIT, Served, error


def enrolment_ended(session: Session) -> None:
    [enrolment] = people.enrolments(session, "acacia", NOW)
    enrolment.ends = NOW


def enrolment_to_come(session: Session) -> None:
    [enrolment] = people.enrolments(session, "acacia", NOW)
    enrolment.starts = NOW + timedelta(days=30)


def account_closed(session: Session) -> None:
    people.close(session, "acacia", "maple", NOW)


def account_erased(session: Session) -> None:
    session.get_one(Person, "acacia").erased = NOW


def unit_withdrawn(session: Session) -> None:
    releases.withdraw_release(session, TRACK, UNIT, NOW)


@pytest.mark.parametrize(
    ("happens", "status", "fault", "words"),
    [
        pytest.param(enrolment_ended, 403, "enrolment-ended", f"Ton inscription au parcours {TRACK} a", id="ended"),
        pytest.param(enrolment_to_come, 403, "not-enrolled", "La coordination peut vérifier", id="not-yet"),
        pytest.param(account_closed, 403, "not-enrolled", "La coordination peut vérifier", id="closed"),
        pytest.param(account_erased, 403, "not-enrolled", "La coordination peut vérifier", id="erased"),
        pytest.param(unit_withdrawn, 404, "not-released", "n’est pas encore ouverte", id="withdrawn"),
    ],
)
def test_who_may_no_longer_send_is_told_why(
    served: Served, happens: Callable[[Session], None], status: int, fault: str, words: str
) -> None:
    before = served.submit("acacia", key="key-before-it").json()["receipt"]
    with ledger.session(served.engine) as session:
        happens(session)

    answer = served.ask(
        "acacia", "POST", f"submissions/{TRACK}/{UNIT}", b"", Idempotency_Key="key-after-it", Accept_Language="fr"
    )

    assert error(answer) == (status, fault)
    assert words in answer.json()["error"]
    assert [row.id for row in served.stored()] == [before]


def test_what_she_sent_stays_hers_to_read_when_her_enrolment_has_ended(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    with ledger.session(served.engine) as session:
        enrolment_ended(session)

    assert served.get("acacia", f"submissions/{receipt}/files").status_code == 200
    assert served.get("acacia", f"results/{receipt}").json()["state"] == "waiting"


def test_a_token_that_the_hub_knows_no_more_is_asked_to_sign_in(served: Served) -> None:
    answer = served.ask(
        None, "POST", f"submissions/{TRACK}/{UNIT}", b"", Authorization="token revoked", Accept_Language="fr"
    )

    assert error(answer) == (401, "who-are-you")
    assert "se reconnecter" in answer.json()["error"]
    assert served.stored() == []
