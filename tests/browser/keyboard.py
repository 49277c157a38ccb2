"""Going through a page by the keyboard: what has the focus got it by Tab, never by a script."""

from playwright.sync_api import Locator, Page

_MOST_TABS = 150
_NAME_OF_FOCUSED = """() => {
    const one = document.activeElement, labels = one.labels || [];
    return (labels.length ? labels[0] : one).textContent.replace(/\\s+/g, " ").trim();
}"""


def go_to(page: Page, where: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if where.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {where} on {page.url}")


def tab_to(page: Page, text: str) -> None:
    """Press Tab until what has the focus begins with a text, its label's where it is a field."""
    seen = []
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(_NAME_OF_FOCUSED))
        if seen[-1].startswith(text):
            return
    raise AssertionError(f"Tab does not reach {text!r} on {page.url}: {seen}")


def press(page: Page, text: str) -> None:
    """Go to a link or button by Tab, press Enter, and wait for the page that it leads to."""
    tab_to(page, text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def fill_in(page: Page, label: str, text: str) -> None:
    """Go to a field by Tab and type in the place of what it holds."""
    tab_to(page, label)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def type_moment(page: Page, day: str, time: str) -> None:
    """Type the same two digits for day and month, and a time before noon: so no order of a browser's fields matters."""
    tab_to(page, day)
    page.keyboard.type("12122026")
    tab_to(page, time)
    page.keyboard.type("1030a")
