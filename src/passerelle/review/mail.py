"""Mails with a link to choose a password: in her language first, and naming nothing but the link."""

import re
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Self
from zoneinfo import ZoneInfo

from passerelle.model.errors import ServiceError
from passerelle.model.people import LANGUAGES
from passerelle.model.settings import Settings
from passerelle.review.i18n import Reader, to_translate

TIMEOUT_S = 20
IMPLICIT_TLS = 465
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
ADDRESS = re.compile(r"""[^@\s,;:<>()"\\]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+""", re.IGNORECASE | re.ASCII)

SUBJECT = to_translate("Your link to choose a password")
TEXT = to_translate(
    """Hello %(name)s,

Open this link to choose a password:

%(link)s

It works once, until %(moment)s. After that, your coordinator can give you a new one.

Your user name: %(handle)s

Was this message not for you? Then there is nothing to do."""
)


class MailError(ServiceError):
    """A mail could not be sent."""

    @classmethod
    def at(cls, settings: Settings, why: object) -> Self:
        """Build the error from what the mail server or the network said; never with whom it was for."""
        server = f"{settings.smtp_host}:{settings.smtp_port}"
        return cls(f"the mail server {server} took no mail ({why}): see PASSERELLE_SMTP_… in docs/settings.md")


def can_send(settings: Settings) -> bool:
    """Tell whether a mail server is set."""
    return bool(settings.smtp_host and settings.smtp_from)


def is_address(text: str) -> bool:
    """Tell whether a text can be somebody's e-mail address."""
    return text.isascii() and len(text) <= 254 and ADDRESS.fullmatch(text) is not None


def link_message(
    settings: Settings, to: str, language: str, *, name: str, handle: str, link: str, until: datetime
) -> EmailMessage:
    """Return the mail with a link, in her language and then in the others."""
    zone = ZoneInfo(settings.timezone)
    readers = [Reader(one, zone) for one in sorted(LANGUAGES, key=lambda one: one != language)]
    message = EmailMessage()
    message["From"] = settings.smtp_from
    message["To"] = to
    message["Subject"] = readers[0].say(SUBJECT)
    message["Date"] = formatdate()
    # Not the name of this machine: it is nobody's business.
    message["Message-ID"] = make_msgid(domain=settings.smtp_from.rpartition("@")[2].strip("> ") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = ", ".join(reader.language for reader in readers)
    facts = {"name": name, "handle": handle, "link": link}
    texts = [reader.say(TEXT) % {**facts, "moment": reader.moment(until)} for reader in readers]
    message.set_content("\n\n* * *\n\n".join(texts) + "\n", cte="quoted-printable")
    return message


def send(settings: Settings, message: EmailMessage) -> None:
    """Hand a mail to the mail server, encrypted; takes some seconds.

    Raises:
        MailError: where it was not taken, or the line to another machine would not be encrypted.
    """
    try:
        if settings.smtp_port == IMPLICIT_TLS:
            context = ssl.create_default_context()
            with smtplib.SMTP_SSL(settings.smtp_host, IMPLICIT_TLS, timeout=TIMEOUT_S, context=context) as server:
                _hand_over(settings, server, message)
        else:
            with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
                # A relay on this machine has a certificate for another name, or none.
                if settings.smtp_host not in THIS_MACHINE:
                    server.starttls(context=ssl.create_default_context())
                _hand_over(settings, server, message)
    except smtplib.SMTPRecipientsRefused as error:
        # Its own words hold the address.
        raise MailError.at(settings, "it does not know the address") from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailError.at(settings, error) from error


def _hand_over(settings: Settings, server: smtplib.SMTP, message: EmailMessage) -> None:
    if settings.smtp_user:
        password = settings.smtp_password_file.read_text("utf-8").strip() if settings.smtp_password_file else ""
        server.login(settings.smtp_user, password)
    server.send_message(message)
