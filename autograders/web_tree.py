"""What the browser itself knows of a page: its accessibility tree and its layout, as plain data.

Roles and names are those that a screen reader gets. Asked over the browser's own protocol, in which no script of the
page has a part.
"""

from typing import Any

MOST_THINGS = 1_500
MOST_TEXT = 20_000
_LONGEST = 300
LANDMARKS = ("banner", "navigation", "main", "complementary", "contentinfo", "region", "search", "form")
STYLES = ("display", "color", "background-color", "font-size", "overflow-x", "position")
_SKIPPED = frozenset({"HTML", "HEAD", "META", "LINK", "SCRIPT", "STYLE", "TITLE", "BASE", "BR"})
_KEPT = ("id", "href", "src", "alt", "lang", "target", "type", "for")


def things_of(line: Any) -> dict[str, Any]:
    """Return a page's doctype, language, title, text and things.

    A thing is an element that has a role, an image or an `a`: "tag", "role", "name", "level", "inside" (the landmarks
    around it, from the outside), "attributes", "styles", "box" ([x, y, width, height]; None where it has none).
    """
    named = {node["backendDOMNodeId"]: node for node in _tree(line) if "backendDOMNodeId" in node}
    told = line.send("DOMSnapshot.captureSnapshot", {"computedStyles": [*STYLES, "visibility"]})
    return _Snapshot(told, named).told()


def _tree(line: Any) -> list[dict[str, Any]]:
    line.send("Accessibility.enable")
    nodes: list[dict[str, Any]] = line.send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node.get("ignored")]


class _Snapshot:
    """A snapshot's tables, read by node."""

    def __init__(self, told: dict[str, Any], named: dict[int, dict[str, Any]]) -> None:
        self._texts, self._page, self._named = told["strings"], told["documents"][0], named
        self._nodes = self._page["nodes"]
        layout = self._page["layout"]
        self._drawn = {node: place for place, node in enumerate(layout["nodeIndex"])}
        self._layout = layout

    def _text(self, number: int) -> str:
        return str(self._texts[number]) if number >= 0 else ""

    def _is_visible(self, place: int) -> bool:
        """Say whether what is drawn here is visible: a text has the styles of what it stands in."""
        node = self._layout["nodeIndex"][place]
        while node >= 0:
            drawn = self._drawn.get(node)
            styles = self._layout["styles"][drawn] if drawn is not None else []
            if styles:
                return self._text(styles[len(STYLES)]) == "visible"
            node = self._nodes["parentIndex"][node]
        return True

    def _attributes(self, node: int) -> dict[str, str]:
        pairs = self._nodes["attributes"][node]
        found = {self._text(pairs[n]): self._text(pairs[n + 1])[:_LONGEST] for n in range(0, len(pairs), 2)}
        return {name: found[name] for name in _KEPT if name in found}

    def told(self) -> dict[str, Any]:
        root = next(n for n, name in enumerate(self._nodes["nodeName"]) if self._text(name) == "HTML")
        doctypes = [n for n, kind in enumerate(self._nodes["nodeType"]) if kind == 10]
        written = [one for place, one in enumerate(self._layout["text"]) if one >= 0 and self._is_visible(place)]
        shown = " ".join(" ".join(self._text(one).split()) for one in written)
        things = self._things()
        return {
            "doctype": bool(doctypes),
            "encoding": self._text(self._page["encodingName"]),
            "viewport": self._viewport(),
            "lang": self._attributes(root).get("lang", ""),
            "title": " ".join(self._text(self._page["title"]).split())[:_LONGEST],
            "text": shown[:MOST_TEXT],
            "things": things[:MOST_THINGS],
            "ids": self._ids(),
            "more": max(0, len(things) - MOST_THINGS),
            "wide": self._page.get("contentWidth", 0),
        }

    def _viewport(self) -> str:
        """Return what `<meta name="viewport">` says."""
        for node, name in enumerate(self._nodes["nodeName"]):
            if self._text(name) == "META":
                pairs = list(map(self._text, self._nodes["attributes"][node]))
                found = dict(zip(pairs[::2], pairs[1::2], strict=True))
                if found.get("name", "").lower() == "viewport":
                    return found.get("content", "")[:_LONGEST]
        return ""

    def _ids(self) -> list[str]:
        """Return what a link to a place of the page can lead to: `top` is always there."""
        found = [self._attributes(node).get("id", "") for node in range(len(self._nodes["attributes"]))]
        return ["top", *(one for one in found if one)][:MOST_THINGS]

    def _things(self) -> list[dict[str, Any]]:
        parents, kinds = self._nodes["parentIndex"], self._nodes["nodeType"]
        around: dict[int, list[str]] = {-1: []}
        found = []
        for node, kind in enumerate(kinds):
            above = around.get(parents[node], [])
            around[node] = above
            tag = self._text(self._nodes["nodeName"][node])
            if kind != 1 or tag in _SKIPPED:
                continue
            about = self._named.get(self._nodes["backendNodeId"][node], {})
            role = str(about.get("role", {}).get("value", ""))
            if role in LANDMARKS:
                around[node] = [*above, role]
            if role in ("", "none", "generic") and tag not in ("IMG", "A"):
                continue
            found.append(self._thing(node, tag, role, about, above))
        return found

    def _thing(self, node: int, tag: str, role: str, about: dict[str, Any], above: list[str]) -> dict[str, Any]:
        facts = {one["name"]: one["value"].get("value") for one in about.get("properties", ())}
        place = self._drawn.get(node)
        styles = self._layout["styles"][place] if place is not None else []
        level = facts.get("level")
        return {
            "tag": tag.lower(),
            "role": role,
            "name": " ".join(str(about.get("name", {}).get("value", "")).split())[:_LONGEST],
            "level": level if type(level) is int else 0,
            "inside": above,
            "attributes": self._attributes(node),
            "styles": dict(zip(STYLES, map(self._text, styles), strict=False)),
            "box": [round(one, 1) for one in self._layout["bounds"][place]] if place is not None else None,
        }
