"""Secrets that outlive a restart, for their owner only."""

import secrets
import stat
from pathlib import Path

import pytest

from passerelle.hub.passphrases import COUNT, WORDS, passphrase, read_passwords
from passerelle.model.keys import kept_secret, write_private


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secrets", "token")

    assert kept_secret(tmp_path / "secrets", "token") == first
    assert len(bytes.fromhex(first)) == 32
    assert kept_secret(tmp_path / "secrets", "another") != first


def test_who_asks_while_a_secret_is_made_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub and our service start together; each wants the token of the figures, and found none a moment ago."""
    make = secrets.token_hex
    of_the_other: list[str] = []

    def just_then(size_bytes: int) -> str:
        monkeypatch.undo()
        of_the_other.append(kept_secret(tmp_path, "token"))
        return make(size_bytes)

    monkeypatch.setattr(secrets, "token_hex", just_then)
    hers = kept_secret(tmp_path, "token")

    assert of_the_other == [hers]
    assert [one.name for one in tmp_path.iterdir()] == ["token"]
    assert kept_secret(tmp_path, "token") == hers


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secrets", "token")

    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "token").stat().st_mode) == 0o600


def test_a_rewritten_private_file_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, "acacia a-b-c")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_passwords(path) == {"acacia": "a-b-c"}
    assert [one.name for one in tmp_path.iterdir()] == ["passwords"]


def test_passphrases_are_strong_and_typable() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert len(WORDS) ** COUNT > 2**40
    assert all(word.isascii() and word.isalpha() and word.islower() for word in WORDS)
    made = {passphrase() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one.split("-")) == COUNT for one in made)
