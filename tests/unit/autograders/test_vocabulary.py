"""The vocabulary: frozen, and every word shown with what it accepts and refuses."""

import json
import re
from pathlib import Path

import pytest

from autograders import CheckFailed
from autograders.session import session
from scripts.vocabulary import PAGES, TEXTS, Example, notebook, page, public_words, run, said, signature
from scripts.vocabulary_examples import EXAMPLES

SNAPSHOT = Path(__file__).parent / "vocabulary.txt"
MET = [pytest.param(one, check, id=f"{one.word}-{n}") for one in EXAMPLES for n, check in enumerate(one.accepts)]
NOT_MET = [pytest.param(one, check, id=f"{one.word}-{n}") for one in EXAMPLES for n, check in enumerate(one.refuses)]


def test_the_words_and_their_parameters_are_frozen() -> None:
    """Thirty units are written in them. A new word is added to the snapshot by hand; none is changed or removed."""
    now = [signature(word, one) for word, one in sorted(public_words().items())]

    assert now == SNAPSHOT.read_text("utf-8").splitlines()


def test_every_word_has_an_example_that_is_accepted_and_one_that_is_refused() -> None:
    shown = {one.word for one in EXAMPLES if one.accepts and one.refuses and one.says}

    assert shown == set(public_words())
    assert set(json.loads((TEXTS / "fr.json").read_text("utf-8"))) == shown


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.word)
def test_an_example_uses_its_word(one: Example) -> None:
    call = one.word.replace("expect.", "").replace("Expectation.", "").replace("File.", "").replace("Page.", "")

    assert all(re.search(rf"\b{call}\b", check) for check in one.accepts)


@pytest.mark.parametrize(("one", "check"), MET)
def test_what_a_word_accepts(one: Example, check: str) -> None:
    with notebook(one.hers):
        assert said(check, "en") == []


@pytest.mark.parametrize(("one", "check"), NOT_MET)
def test_what_a_word_refuses(one: Example, check: str) -> None:
    with notebook(one.hers):
        english, french = said(check, "en"), said(check, "fr")

    assert english
    assert french
    assert english != french


@pytest.mark.parametrize("language", sorted(PAGES))
def test_the_page_says_what_the_words_say(language: str) -> None:
    """`python -m scripts.vocabulary` writes it."""
    assert PAGES[language].read_text("utf-8") == page(language)


@pytest.mark.parametrize(("one", "check"), NOT_MET)
def test_no_word_says_a_value_while_hidden_tests_run(one: Example, check: str) -> None:
    with notebook(one.hers):
        session.silent_facts = True
        try:
            with pytest.raises(CheckFailed) as caught:
                run(check)
        finally:
            session.silent_facts = False

    for fact in caught.value.facts:
        authors = set(re.findall(r"(\w+)=", check))
        for name, value in fact.args.items():
            if name in ("expected", "found") and name not in authors:
                kinds = value if isinstance(value, list) else [value]
                assert all(kind["id"].startswith("kind-") and kind["id"] != "kind-other" for kind in kinds)
            elif name == "name":
                assert not re.search(r"\([^…)]|\[[^…]", str(value))
            else:
                assert name in {*authors, "error"}
