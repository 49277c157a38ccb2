import pytest

from passerelle.review.prose import notes_html, with_code


def test_headings_of_notes_go_below_those_of_the_page() -> None:
    html = notes_html("## One\n\n#### Two\n\ntext\n\n## Three\n", 3)

    assert "<h4>One</h4>" in html
    assert "<h5>Two</h5>" in html
    assert "<h4>Three</h4>" in html


@pytest.mark.parametrize(
    "markdown",
    ["<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](data:text/html,hi)", "<img src=x onerror=y>"],
)
def test_notes_cannot_run_anything(markdown: str) -> None:
    html = notes_html(markdown, 3)

    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize(
    ("sentence", "html"),
    [
        pytest.param("Expected `a < b`.", "Expected <code>a &lt; b</code>.", id="code"),
        pytest.param("5 < 6 & `x", "5 &lt; 6 &amp; `x", id="a-lone-backtick-is-text"),
        pytest.param("<b>`<i>`</b>", "&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;", id="all-is-escaped"),
    ],
)
def test_a_sentence_shows_its_code(sentence: str, html: str) -> None:
    assert with_code(sentence) == html
