import pytest

from passerelle.model.passwords import COMMON, SHORTEST, Fault, fault_of, normal


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        pytest.param("a-violet-b", None, id="ten-signs"),
        pytest.param("trois tortues vertes", None, id="words-with-spaces"),
        pytest.param("پنجره و باغ سبز", None, id="her-own-script"),
        pytest.param("ninesigns", Fault.SHORT, id="nine"),
        pytest.param("x7" * 200, Fault.LONG, id="longer-than-any-phrase"),
        pytest.param("MotDePasse123", Fault.COMMON, id="tried-first"),
        pytest.param("aaaaaaaaaaaa", Fault.COMMON, id="one-sign"),
        pytest.param("Acacia2026!", Fault.COMMON, id="her-user-name-with-a-number"),
        pytest.param("amina-amina-amina", Fault.COMMON, id="her-name-again-and-again"),
        pytest.param("amina reads tables", None, id="her-name-among-other-words"),
        pytest.param("48213975062", None, id="numbers-in-no-order"),
    ],
)
def test_length_counts_and_not_the_kinds_of_signs(password: str, fault: Fault | None) -> None:
    assert fault_of(password, password, "acacia", "Amina") == fault


def test_a_slip_of_the_finger_is_found() -> None:
    assert fault_of("a long password", "a longer password") is Fault.DIFFERENT


def test_the_same_letter_from_another_keyboard_is_the_same() -> None:
    assert normal("cafe\u0301 du matin") == normal("caf\u00e9 du matin")
    assert fault_of("cafe\u0301 du matin", "caf\u00e9 du matin") is None


def test_the_list_holds_what_length_alone_lets_through() -> None:
    assert all(word == word.casefold() for word in COMMON)
    assert sum(len(word) >= SHORTEST for word in COMMON) > 50
