import pytest

from passerelle.proof.mutate_html import dropped_lines, mutations

PAGE = """<!doctype html>
<html lang="fr">
<head>
<title>Moi</title>
</head>
<body>
<main>
<h1>Moi</h1>
<h2>Je fais</h2>
<img src="moi.jpg" alt="Mon visage">
<a href="mailto:a@example.org">Écris-moi</a>
<label for="nom">Nom</label> <input id="nom" type="email">
</main>
</body>
</html>"""


def planted(page: str) -> list[tuple[str, str]]:
    return list(mutations(page, frozenset(range(1, page.count("\n") + 2))))


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("dropped-attribute", ' alt="Mon visage"', ""),
        ("dropped-attribute", ' lang="fr"', ""),
        ("emptied", 'alt="Mon visage"', 'alt=""'),
        ("emptied", "<title>Moi</title>", "<title></title>"),
        ("emptied", '<label for="nom">Nom</label>', '<label for="nom"></label>'),
        ("changed-language", 'lang="fr"', 'lang="en"'),
        ("changed-target", 'href="mailto:a@example.org"', 'href="nowhere.html"'),
        ("changed-target", 'for="nom"', 'for="nomx"'),
        ("changed-type", 'type="email"', 'type="text"'),
        ("heading-level", "<h2>Je fais</h2>", "<h3>Je fais</h3>"),
        ("heading-level", "<h1>Moi</h1>", "<h2>Moi</h2>"),
        ("renamed", "<h1>Moi</h1>", "<p>Moi</p>"),
        ("dropped-element", "<h2>Je fais</h2>", ""),
        ("dropped-element", '<img src="moi.jpg" alt="Mon visage">', ""),
    ],
)
def test_the_bug_is_planted(word: str, old: str, new: str) -> None:
    assert PAGE.count(old) == 1
    assert (word, PAGE.replace(old, new)) in planted(PAGE)


def test_a_landmark_is_renamed_at_both_ends() -> None:
    assert ("renamed", PAGE.replace("<main>", "<div>").replace("</main>", "</div>")) in planted(PAGE)


def test_the_frame_of_a_page_is_not_dropped_and_each_change_is_one() -> None:
    for word, changed in planted(PAGE):
        assert changed != PAGE, word
        assert "<html" in changed
        assert "<body>" in changed


def test_only_the_given_lines_change() -> None:
    made = list(mutations(PAGE, frozenset({10})))

    assert {word for word, _ in made} == {"dropped-attribute", "emptied", "changed-target", "dropped-element"}
    assert all(changed.split("\n")[:9] == PAGE.split("\n")[:9] for _, changed in made)


def test_a_text_of_another_kind_loses_lines() -> None:
    assert list(dropped_lines("a\n\nb", frozenset({1, 2, 3}))) == [("dropped-line", "\nb"), ("dropped-line", "a\n")]
