"""Mails with a link: encrypted, in her language, and saying nothing about the programme."""

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from passerelle.model.settings import Settings
from passerelle.review import mail
from tests.unit.review.post_office import PostOffice, post_office
from tests.unit.review.programme import NOW

LINK = "http://passerelle.localhost:8000/hub/welcome/" + "x" * 43


def settings_for(office: PostOffice, tmp_path: Path, **more: Any) -> Settings:
    return Settings(
        data=tmp_path, smtp_host="127.0.0.1", smtp_port=office.port, smtp_from="Passerelle <post@example.org>", **more
    )


def message(settings: Settings, language: str = "fr", to: str = "amina@example.net") -> EmailMessage:
    return mail.link_message(settings, to, language, name="Amina", handle="acacia", link=LINK, until=NOW)


def test_a_mail_goes_out_encrypted_and_with_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smtp").write_text("s3cret\n")
    with post_office(tmp_path, password="s3cret") as office:
        monkeypatch.setenv("SSL_CERT_FILE", str(office.certificate))
        monkeypatch.setattr(mail, "THIS_MACHINE", frozenset())
        settings = settings_for(office, tmp_path, smtp_user="post", smtp_password_file=tmp_path / "smtp")

        mail.send(settings, message(settings))

    assert (office.to, office.encrypted) == (["amina@example.net"], [True])
    text = office.got[0].get_content()
    assert LINK in text
    assert text.index("Bonjour Amina") < text.index("Hello Amina")
    assert "mardi\u00a024\u00a0novembre, 18:42" in text


def test_her_language_comes_first(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, smtp_host="x", smtp_from="post@example.org")

    subjects = {language: message(settings, language)["Subject"] for language in ("en", "fr")}
    texts = {language: message(settings, language).get_content() for language in ("en", "fr")}

    assert subjects == {"en": "Your link to choose a password", "fr": "Lien pour choisir un mot de passe"}
    assert texts["en"].index("Hello") < texts["en"].index("Bonjour")


def test_a_mail_says_nothing_of_the_programme_or_this_machine(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, smtp_host="x", smtp_from="post@example.org")

    whole = message(settings).as_string() + message(settings).get_content()

    assert not re.search(
        r"refug|asil|asyl|migra|status|statut|programme|cohort|promotion|fellow|apprenante", whole, re.I
    )
    assert "@example.org>" in message(settings)["Message-ID"]


def test_nothing_goes_to_a_server_that_we_do_not_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "THIS_MACHINE", frozenset())
    with post_office(tmp_path) as office:
        settings = settings_for(office, tmp_path)

        with pytest.raises(mail.MailError, match=r"took no mail .*certificate"):
            mail.send(settings, message(settings))

    assert office.got == []


def test_only_a_server_on_this_machine_may_go_without_encryption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with post_office(tmp_path, tls=False) as office:
        settings = settings_for(office, tmp_path)
        mail.send(settings, message(settings))
        monkeypatch.setattr(mail, "THIS_MACHINE", frozenset())

        with pytest.raises(mail.MailError, match="STARTTLS"):
            mail.send(settings, message(settings))

    assert (len(office.got), office.encrypted) == (1, [False])


def test_an_error_does_not_repeat_her_address(tmp_path: Path) -> None:
    with post_office(tmp_path, tls=False, refuses="amina") as office:
        settings = settings_for(office, tmp_path)

        with pytest.raises(mail.MailError, match="does not know the address") as caught:
            mail.send(settings, message(settings))

    assert "amina" not in str(caught.value)


def test_a_server_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with post_office(tmp_path, tls=False) as office:
        settings = settings_for(office, tmp_path)

    with pytest.raises(mail.MailError, match=r"took no mail .*PASSERELLE_SMTP_"):
        mail.send(settings, message(settings))


@pytest.mark.parametrize("text", ["a@example.org", "first.last+tag@mail.example.org"])
def test_an_address(text: str) -> None:
    assert mail.is_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "a@b", "a b@example.org", "a@example.org, b@example.org", "a@example.org\nBcc: b@example.org", "é@ü.fr"],
)
def test_what_is_no_address(text: str) -> None:
    assert not mail.is_address(text)
