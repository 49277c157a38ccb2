"""What checks of the cybersecurity track have of their own: records read, comparisons watched, salts drawn again."""

import hashlib
import hmac
import os
import random
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from autograders import CheckFailed, expect, set_language
from autograders import cybersecurity as cyber
from autograders.session import session
from tests.unit.autograders.conftest import Notebook, Said

PASSWORD = "forêt Théière échelle 31"
SALT = b"sixteen bytes ok"
GOOD = cyber.argon2_record(PASSWORD, SALT)
TOKEN = "0123456789abcdef0123456789abcdef"
CALLS = [(TOKEN, TOKEN), (TOKEN, "x" + TOKEN[1:]), (TOKEN, TOKEN[:-1] + "x")]


def _stops(kept: str, sent: str) -> bool:
    for one, other in zip(kept.encode(), sent.encode(), strict=True):  # noqa: SIM110  as a beginner writes it
        if one != other:
            return False
    return True


def _goes_on(kept: str, sent: str) -> bool:
    difference = 0
    for one, other in zip(kept.encode(), sent.encode(), strict=True):
        difference |= one ^ other
    return difference == 0


def test_a_record_is_read() -> None:
    record = cyber.parsed(GOOD)

    assert record is not None
    assert (record.kind, record.memory, record.passes, record.lanes, record.salt) == ("argon2id", 19456, 2, 1, SALT)


@pytest.mark.parametrize(
    ("passes", "memory", "enough"),
    [
        pytest.param(*line, id=f"t{line[0]}-m{line[1]}")
        for passes, memory in cyber.OWASP
        for line in ((passes, memory, True), (passes, memory - 1, False))
    ],
)
def test_the_least_cost_is_owasps(passes: int, memory: int, enough: bool) -> None:
    assert cyber.Argon2("argon2id", 19, memory, passes, 1, SALT, SALT).is_enough is enough


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(PASSWORD, "record-none", id="in-clear"),
        pytest.param(hashlib.sha256(b"x").hexdigest(), "record-hex", id="fast-hash"),
        pytest.param(GOOD[:-60], "record-cut", id="cut"),
        pytest.param(GOOD.replace("argon2id", "argon2i"), "record-argon2-other", id="argon2i"),
        pytest.param(GOOD.replace("v=19", "v=16"), "record-argon2-other", id="old-version"),
    ],
)
def test_what_is_no_argon2id_record_is_named_by_its_kind_and_never_shown(
    notebook: Notebook, text: str, said: str
) -> None:
    notebook["store"] = lambda _password: text

    with pytest.raises(CheckFailed) as caught:
        cyber.argon2id(expect.call("store", "x"))

    assert caught.value.facts[0].args["found"]["id"] == said
    for language in ("en", "fr"):
        set_language(language)
        assert text not in str(caught.value)


def test_hidden_passwords_are_never_said(notebook: Notebook) -> None:
    notebook["store"] = lambda password: password
    session.silent_facts = True

    with pytest.raises(CheckFailed) as caught:
        cyber.enough_cost(expect.call("store", PASSWORD), else_="store-cost")

    assert PASSWORD not in repr(caught.value.facts)


def test_a_weak_cost_and_a_short_salt_are_said(notebook: Notebook, ids: Said) -> None:
    notebook["store"] = lambda password: cyber.argon2_record(password, b"8 bytes!", memory=8192)

    assert ids(lambda: cyber.enough_cost(expect.call("store", "x"))) == ["argon2-cost"]
    assert ids(lambda: cyber.long_salt(expect.call("store", "x"))) == ["argon2-salt"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_record_holds_its_password_in_either_form(form: Any) -> None:
    assert cyber.holds(GOOD, unicodedata.normalize(form, PASSWORD))


def test_a_record_holds_none_of_the_near_misses() -> None:
    near = cyber.near_misses(PASSWORD)

    assert len(near) == len(set(near)) == 11
    assert not [one for one in near if cyber.holds(GOOD, one)]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(cyber.argon2_record(PASSWORD, PASSWORD.encode()), id="in-its-salt"),
        pytest.param(GOOD.replace("m=19456", "m=4194304"), id="four-gigabytes"),
        pytest.param(GOOD.replace("t=2", "t=4000000"), id="for-ever"),
        pytest.param(GOOD.replace("p=1", "p=16777215"), id="millions-of-lanes"),
        pytest.param(None, id="nothing"),
    ],
)
def test_no_record_in_clear_or_of_a_monstrous_cost_is_computed(record: str | None) -> None:
    assert not cyber.holds(record, PASSWORD)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        pytest.param(hmac.compare_digest, [], id="compare-digest"),
        pytest.param(lambda a, b: secrets.compare_digest(a.encode(), b.encode()), [], id="of-bytes"),
        pytest.param(_goes_on, [], id="a-loop-to-the-end"),
        pytest.param(
            lambda a, b: hashlib.sha256(a.encode()).digest() == hashlib.sha256(b.encode()).digest(), [], id="of-hashes"
        ),
        pytest.param(lambda a, b: a == b, ["compares-meets"], id="equals"),
        pytest.param(lambda a, b: (a.encode() != b.encode()) is False, ["compares-meets"], id="differs-in-bytes"),
        pytest.param(lambda a, b: a.strip().startswith(b), ["compares-meets"], id="starts-with"),
        pytest.param(lambda a, b: b in [a], ["compares-meets"], id="in-a-list"),
        pytest.param(_stops, ["compares-stops"], id="a-loop-that-stops"),
        pytest.param(lambda a, b: list(a) == list(b), ["compares-stops"], id="lists-of-characters"),
        pytest.param(lambda a, b: all(map(lambda c, d: c == d, a, b)), ["compares-stops"], id="all"),
    ],
)
def test_how_secrets_are_compared_is_seen(
    notebook: Notebook, ids: Said, function: Callable[[str, str], bool], said: list[str]
) -> None:
    notebook["same"] = function

    assert ids(lambda: cyber.compares_evenly("same", *CALLS)) == said


def test_an_error_of_hers_and_a_missing_function_have_their_own_words(notebook: Notebook, ids: Said) -> None:
    notebook["same"] = lambda kept, sent: kept[1_000]

    assert ids(lambda: cyber.compares_evenly("same", *CALLS)) == ["call-raised"]
    assert ids(lambda: cyber.compares_evenly("else", *CALLS)) == ["name-missing"]


@pytest.mark.parametrize(
    ("salt", "predictable"),
    [
        pytest.param(lambda: random.randbytes(16), True, id="random"),
        pytest.param(lambda: SALT, True, id="fixed"),
        pytest.param(lambda: os.urandom(16), False, id="of-the-system"),
        pytest.param(lambda: secrets.token_bytes(16), False, id="secrets"),
    ],
)
def test_a_salt_that_can_be_computed_is_seen(notebook: Notebook, salt: Callable[[], bytes], predictable: bool) -> None:
    notebook["store"] = lambda password: cyber.argon2_record(password, salt(), passes=1, memory=64)

    assert cyber.is_predictable("store", "x") is predictable


def test_passwords_are_seeded_in_both_languages_and_all_different() -> None:
    made = cyber.passwords(20, "a")

    assert made == cyber.passwords(20, "a") != cyber.passwords(20, "b")
    assert len(set(made)) == 20
    assert any(not one.isascii() for one in made[::2])
    assert all(one.isascii() for one in made[1::2])
