import pytest

from passerelle.courses.blocks import split_blocks, translate_blocks


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        pytest.param("One.\n\nTwo\nlines.", ["One.", "Two\nlines."], id="blank-lines-separate"),
        pytest.param("One.\n\n\n\nTwo.", ["One.", "Two."], id="several-blank-lines"),
        pytest.param("# Head\n\nText", ["# Head", "Text"], id="a-heading-is-a-block"),
        pytest.param("- a\n\n- b\n\nAfter", ["- a\n\n- b", "After"], id="a-loose-list-is-whole"),
        pytest.param("1. a\n\n   more\n\n2. b", ["1. a\n\n   more\n\n2. b"], id="an-item-of-two-paragraphs"),
        pytest.param("```\na\n\nb\n```\n\nAfter", ["```\na\n\nb\n```", "After"], id="a-fence-is-whole"),
        pytest.param("````\n```\n\n```\n````\n\nA", ["````\n```\n\n```\n````", "A"], id="a-fence-in-a-fence"),
        pytest.param("~~~\n```\n\nx\n~~~\n\nA", ["~~~\n```\n\nx\n~~~", "A"], id="tildes-are-a-fence"),
        pytest.param(
            "- a\n\n  ```\n  x\n\n  y\n  ```\n\nA", ["- a\n\n  ```\n  x\n\n  y\n  ```", "A"], id="a-fence-in-a-list"
        ),
        pytest.param("**Bold** text\n\n  indented", ["**Bold** text", "  indented"], id="bold-is-no-list"),
        pytest.param("---\n\nText", ["---", "Text"], id="a-rule-is-no-list"),
        pytest.param("```\nnever closed\n\nx", ["```\nnever closed\n\nx"], id="an-open-fence-runs-to-the-end"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_a_block_is_what_a_translator_sees_as_one_piece(markdown: str, blocks: list[str]) -> None:
    assert [block.text for block in split_blocks(markdown)] == blocks


@pytest.mark.parametrize(
    "markdown", ["One.\n\n\nTwo.\n \nThree.", "- a\n\n- b\n\n\nAfter", "# A\n\n```\n\n\n```\n\nEnd"]
)
def test_blocks_joined_are_the_text(markdown: str) -> None:
    assert translate_blocks(markdown, lambda block: block) == markdown


def test_only_blocks_are_translated() -> None:
    assert translate_blocks("one\n\n\ntwo", str.upper) == "ONE\n\n\nTWO"
