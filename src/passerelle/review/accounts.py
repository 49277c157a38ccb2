"""Accounts for who makes them: links handed over, and what is known of an account without looking at its owner."""

from dataclasses import dataclass
from datetime import datetime

from passerelle.ledger.invitations import Link
from passerelle.ledger.tables import Person
from passerelle.model.people import LinkKind
from passerelle.model.settings import Settings
from passerelle.review import mail


@dataclass(frozen=True)
class Handed:
    """A link as it is handed over: shown this once, and sent where that was asked."""

    handle: str
    first_name: str
    address: str
    kind: LinkKind
    expires: datetime
    sent: bool = False
    problem: str = ""


def hand_over(settings: Settings, person: Person, link: Link, email: str = "") -> Handed:
    """Return a link to show; send it first where there is an address, which is then forgotten. May take seconds."""
    address, problem = f"{settings.address}/hub/welcome/{link.token}", ""
    if email:
        message = mail.link_message(
            settings,
            email,
            person.language,
            name=person.first_name,
            handle=person.handle,
            link=address,
            until=link.expires,
        )
        try:
            mail.send(settings, message)
        except mail.MailError as error:
            problem = str(error)
    sent = bool(email) and not problem
    return Handed(person.handle, person.first_name, address, link.kind, link.expires, sent, problem)
