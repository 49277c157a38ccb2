"""Every rule plants its bug, in the solution's lines alone, and in the same order."""

import ast

import pytest

from passerelle.proof import mutate_library
from passerelle.proof.mutate_python import Surroundings, assigned, mutations

AROUND = Surroundings(("town", "region", "people"), ("towns", "X"))


def planted(text: str, around: Surroundings = AROUND) -> list[tuple[str, str]]:
    lines = frozenset(range(1, text.count("\n") + 2))
    return [*mutate_library.mutations(text, lines), *mutations(text, lines, around)]


@pytest.mark.parametrize(
    ("text", "word", "changed"),
    [
        ("a = b >= c", "comparison", "a = b > c"),
        ("a = b == c", "comparison", "a = b != c"),
        ("a = b / c", "operator", "a = b * c"),
        ("a = b - c", "swapped-operands", "a = c - b"),
        ("a = 3", "number", "a = 4"),
        ("a = 3", "number", "a = 2"),
        ("a = 12", "number", "a = 1"),
        ("f(x, ascending=False)", "flag", "f(x, ascending=True)"),
        ("a = b and c", "and-or", "a = b or c"),
        ("a = b and c", "condition", "a = (c)"),
        ("a = m & n", "condition", "a = (m) | (n)"),
        ("a = t[~m]", "condition", "a = t[m]"),
        ("if a:\n    b = 1", "condition", "if True:\n    b = 1"),
        ("for a in b:\n    break", "break-continue", "for a in b:\n    continue"),
        ("a = 1\nb = 2", "dropped-line", "a = 1\npass"),
        ("f(a, b)", "swapped-arguments", "f(b, a)"),
        ("a = x[:n]", "off-by-one", "a = x[:(n) - 1]"),
        ("for a in range(n):\n    b(a)", "off-by-one", "for a in range((n) + 1):\n    b(a)"),
        ("a = len(b)", "off-by-one", "a = (len(b) - 1)"),
        ('a = t["region"]', "wrong-column", "a = t['people']"),
        ('a = t["other"]', "other-text", "a = t['other?']"),
        ('a = t.agg("sum")', "other-method", "a = t.agg('mean')"),
        ("a = t.median()", "other-method", "a = t.max()"),
        ("a = t.idxmax()", "other-method", "a = t.idxmin()"),
        ("a = t.copy()", "missing-copy", "a = t"),
        ("a = t.x().y()", "dropped-call", "a = t.x()"),
        ("a = sorted(b)", "dropped-call", "a = (b)"),
        ("a = f(b, c=1, d=2)", "dropped-argument", "a = f(b, d=2)"),
        ("m.fit(X_train, y)", "all-data", "m.fit(X, y)"),
        ("a = m.fit_transform(b)", "other-method", "a = m.transform(b)"),
        ("def f(t):\n    return t.a", "global-name", "def f(t):\n    return towns.a"),
        ("def f(t):\n    return t", "print-for-return", "def f(t):\n    print(t)"),
        ("def f(t):\n    return t, u", "swapped-results", "def f(t):\n    return u, t"),
        ("a = reply(404)", "wrong-status", "a = reply(409)"),
        ("a = hmac.compare_digest(b, c)", "plain-comparison", "a = (b == c)"),
        ("a = secrets.token_bytes(16)", "no-chance", "a = bytes(16)"),
    ],
)  # fmt: skip
def test_the_bug_is_planted(text: str, word: str, changed: str) -> None:
    assert (word, changed) in planted(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('def f(t):\n    """Say it."""\n    import os', id="docstrings-and-imports-stay"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_code_has_no_bug(text: str) -> None:
    assert planted(text) == []


def test_letters_of_more_bytes_do_not_move_the_place() -> None:
    assert ("comparison", 'a = t["é"] != "Île-de-France"; b = "ñ"') in planted('a = t["é"] == "Île-de-France"; b = "ñ"')
    assert ("other-text", 'a = t["é"] == \'Île-de-France?\'; b = "ñ"') in planted(
        'a = t["é"] == "Île-de-France"; b = "ñ"'
    )


def test_only_the_given_lines_change() -> None:
    text = "a = 1 + 2\nb = 3 + 4"
    made = [*mutate_library.mutations(text, frozenset({2})), *mutations(text, frozenset({2}), AROUND)]

    assert made
    assert all(changed.startswith("a = 1 + 2\n") for _, changed in made)


def test_what_is_planted_is_python_and_the_order_stays() -> None:
    text = (
        "def f(table, n):\n    rows = table[table['region'] == n].copy()\n"
        "    return {'a': len(rows), 'b': rows['people'].sum() / max(n, 1)}"
    )
    made = planted(text)

    assert made == planted(text)
    for _, changed in made:
        ast.parse(changed)


def test_names_of_a_cell_are_known_to_later_ones() -> None:
    assert assigned("a = b = 1\ndef f():\n    c = 2\nd = 3") == ["a", "b", "d"]
    assert assigned("%magic") == []
