"""By a second pair of eyes: odd JSON, cells and keys, magics, streams, and pages that need no scripts."""

import json
from typing import Any

from tests.attacks.attack import NOTHING, Attack, everywhere
from tests.attacks.tiny import RIGHT


def _raw(change: Any) -> Any:
    """Return an edit of a notebook's text."""
    return lambda notebook: change(json.dumps(notebook)).encode("utf-8", "surrogatepass")


def _answers(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if str(cell.get("id", "")).startswith("answer-")]


def _odd_sources(notebook: dict[str, Any]) -> None:
    for cell, source in zip(_answers(notebook), ([["mean_price = 4"]], 8, {"0": "x"}, None), strict=False):
        cell["source"] = source


def _other_kinds(notebook: dict[str, Any]) -> None:
    for cell, kind in zip(_answers(notebook), ("raw", "heading", "markdown", ["code"]), strict=False):
        cell["cell_type"] = kind


def _attached(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["attachments"] = {"../../x.html": {"text/html": "<script>attack()</script>", "image/png": 7}}
        cell["execution_count"] = -(10**400)
        cell["id"] = "check-double"


def _turned(notebook: dict[str, Any]) -> None:
    notebook["cells"].reverse()


def _exchanged(notebook: dict[str, Any]) -> None:
    """Exchange the keys of answers and checks."""
    for cell in notebook["cells"]:
        for facts in (cell["metadata"].get("nbgrader"), cell["metadata"].get("passerelle")):
            for name in ("grade_id", "key") if facts else ():
                old = str(facts.get(name, ""))
                if old.startswith(("answer-", "check-")):
                    kind, _, task = old.partition("-")
                    facts[name] = f"{'check' if kind == 'answer' else 'answer'}-{task}"


ATTACKS: tuple[Attack, ...] = (
    Attack(
        "duplicate-json-keys",
        "has every part of its JSON twice",
        RIGHT,
        {"mean": 1, "double": 2, "total": 2, "money": 1},
        edit=_raw(lambda text: text[:-1] + ', "cells": [], "nbformat": 4, "metadata": {"kernelspec": 7}}'),
    ),
    Attack(
        "huge-numbers-in-json",
        "has numbers of 10,000 digits and none at all in its JSON",
        edit=_raw(
            lambda text: text.replace('"nbformat_minor": 5', '"nbformat_minor": 1' + "0" * 10_000).replace(
                '"metadata": {}', '"metadata": {"x": NaN, "y": 1e999, "z": -Infinity}'
            )
        ),
    ),
    Attack(
        "half-characters",
        "has half characters, NULs and marks of direction in its answers",
        {
            "mean": "mean_price = '\ud800\x00\u202e'",
            "double": "def double(number): return '\udfff' * number",
            "total": "\x00def total(rows): return 7",
        },
    ),
    Attack("sources-that-are-none", "has sources that are lists of lists, numbers and nothing", edit=_odd_sources),
    Attack(
        "cells-of-other-kinds",
        "has answers in raw cells, headings and kinds that there are not",
        RIGHT,
        {"mean": 1, "double": 2, "total": 2, "money": 1},
        edit=_other_kinds,
    ),
    Attack(
        "attachments-everywhere",
        "has attachments in code cells, one id for all and impossible counts",
        RIGHT,
        {"mean": 1, "double": 2, "total": 2, "money": 1},
        tuple(RIGHT),
        edit=_attached,
        shown=True,
    ),
    Attack("all-backwards", "has all its cells in the opposite order", NOTHING, edit=_turned),
    Attack("keys-exchanged", "exchanges the keys of answers and checks", NOTHING, edit=_exchanged),
    everywhere(
        "magics-that-go-on",
        "runs later cells through magics: captured, in another shell, with the names thrown away",
        """
        ip = get_ipython()
        for line in ("reset -f", "xdel mean_price", "autoindent", "xmode Minimal", "alias expect echo", "macro double 1", "pdb on", "autocall 2", "rerun", "recall"):
            try: ip.run_line_magic(*line.partition(" ")[::2])
            except BaseException: pass
        for magic, body in (("capture", "x = 5\\nx"), ("python", "print(5)"), ("script true", "5"), ("prun", "5"), ("time", "5")):
            try: ip.run_cell_magic(*(magic.split() + [""])[:2], body)
            except BaseException: pass
        ip.run_cell("5"); ip.ex("double = None")
        """,
    ),
    everywhere(
        "streams-that-end",
        "closes, removes and replaces what cells write to, and has what it displays come later",
        """
        import sys
        from IPython.display import DisplayHandle, clear_output, display, update_display
        handle = DisplayHandle("x" * 10_000); handle.display(5); handle.update({"application/json": {"points": 5}}, raw=True)
        display({"text/html": "<b>5</b>", 7: 5, None: b"5", "text/plain": type("T", (str,), {})("5")}, raw=True)
        clear_output(wait=True)
        sys.stdout.write(type("S", (str,), {"__len__": lambda self: -5, "__getitem__": lambda self, at: self})("5"))
        sys.stdout = sys.stderr = None
        """,
    ),
    Attack(
        "pages-without-scripts",
        "displays HTML that covers, moves and sends without any script",
        {
            **RIGHT,
            "mean": RIGHT["mean"]
            + "\nfrom IPython.display import HTML, SVG, display\n"
            + 'display(HTML(\'\'\'<style>*{display:none} body::after{content:"6/6"}</style><meta http-equiv=refresh content="0;url=javascript:attack()">'
            + '<base href="//evil"><form action="javascript:attack()"><button formaction="javascript:attack()" popovertarget=x>ok</button></form>'
            + "<template shadowrootmode=open><img src=x onerror=attack()></template><link rel=prefetch href=//evil>"
            + '<div style="position:fixed;inset:0;background:url(//evil)" popover id=x>6/6</div><details open ontoggle=attack()><a href="&#106;avascript:attack()" ping=//evil>x</a>\'\'\'))\n'
            + 'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" srcdoc="x"/></foreignObject><set attributeName="href" to="javascript:attack()"/><animate onbegin="attack()"/></svg>\'))',
        },
        {"mean": 1, "double": 2, "total": 2, "money": 1},
        tuple(RIGHT),
        shown=True,
    ),
)
