"""The examiner: runs check cells in a trusted process of its own, asking the box for what is hers.

It is forked by `autograders.forkserver`, one for each submission. It is trusted code over
untrusted data: what comes from the box is unpacked as typed data of exact types, and never evaluated, unpickled or
called.

A check with hidden tests runs twice. First what is released of it, for all checks of the notebook: these are
the messages, with what was found, that the fellow can see in her own notebook, too. Then the whole, for the
points: hidden arguments are in the box from then on, so nothing that comes out of it is said any more.
"""

import ast
import base64
import os
import re
import resource
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from autograders import chance
from autograders.asked import UNANSWERED
from autograders.channel import MAX_FRAME, Channel, ClosedError, framed
from autograders.failure import CheckFailed, Fact
from autograders.rules import is_about_her_data
from autograders.session import session
from autograders.untyped import GarbledError, unpack
from autograders.vocabulary import expect
from passerelle.grading import plain

# The bare words anywhere in a line, as nbgrader has it; what a course configures instead becomes these where its source
# is read.
_HIDDEN = re.compile(r"^([^\S\n]*)[^\n]*BEGIN HIDDEN TESTS.*?(?:END HIDDEN TESTS[^\n]*|\Z)", re.MULTILINE | re.DOTALL)
WHOLE = 0
"""The line of what was not met outside any part."""


def has_hidden(source: str) -> bool:
    """Say whether a check has hidden tests."""
    return _HIDDEN.search(source) is not None


def visible(source: str) -> str:
    """Return a check without its hidden tests, line for line (a block that was all hidden keeps a `pass`)."""
    return _HIDDEN.sub(lambda found: f"{found[1]}pass" + "\n" * found[0].count("\n"), source)


def hidden_lines(source: str) -> frozenset[int]:
    """Return the numbers of the lines of a check that are hidden."""
    found: set[int] = set()
    for block in _HIDDEN.finditer(source):
        first = source.count("\n", 0, block.start()) + 1
        found.update(range(first, first + block[0].count("\n") + 1))
    return frozenset(found)


class Pipe:
    """Asks the box, by way of whoever started the examiner."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._sites: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> dict[str, Any]:
        """Answer what a variable holds."""
        return self._ask({"ask": "get", "name": name})

    def call(self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], *, back: bool) -> dict[str, Any]:
        """Answer what a call returns."""
        self._sites.clear()  # her function may have written a page
        return self._ask({"ask": "call", "name": name, "args": arguments, "kwargs": keywords, "back": back})

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about handles (`autograders.handles`)."""
        self._sites.clear()
        return self._ask({"ask": "do", **question})

    def page(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer what a browser sees of a page: the box has its files, and whoever started the examiner the browser."""
        from autograders import web_site  # noqa: PLC0415  only where there are pages

        # Asked once: all that a check says of a page, it says of the same files.
        told = self._sites.get(question["path"]) or self._site(question["path"])
        self._sites[question["path"]] = told
        if told["state"] not in ("value", "raised"):
            return told

        def browse(files: Mapping[str, bytes], question: Mapping[str, Any]) -> dict[str, Any]:
            texts = {name: base64.b64encode(body).decode("ascii") for name, body in files.items()}
            seen: dict[str, Any] = self._ask({"ask": "browse", "files": texts, **question})["value"]
            return seen

        try:
            site = unpack(told["value"])
        except GarbledError:
            site = None
        return web_site.answer(site, question, browse)

    def _site(self, path: str) -> dict[str, Any]:
        module = {"t": "module", "n": "autograders.answers"}
        return self._ask({"ask": "do", "op": "method", "on": module, "attr": "site", "args": [path], "plain": True})

    def forget(self) -> None:
        """A keeper is asked by one check, and ends with it."""

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        asked = framed(question)
        # Only what she said before, and is said back, makes a question so large: a proven check has none of its own.
        if len(asked) > MAX_FRAME:
            return _checked(None)
        self._channel.write(asked)
        try:
            answer, _descriptors = self._channel.receive()
        except (ValueError, RecursionError):
            answer = None
        return _checked(answer)


_STATES = frozenset({"value", "missing", "stub", "closed", "raised", "slow", "gone", "callback", "unsupported"})


def _checked(answer: object) -> dict[str, Any]:
    """Return an answer of which every part is of its type; what is not is left out, and then garbled."""
    if type(answer) is not dict or type(answer.get("state")) is not str or answer["state"] not in _STATES:
        return {"state": "value", "value": {"t": "nothing we know"}}
    texts = {
        name: answer[name]
        for name in ("error", "text", "code", "printed", "why", "on", "stdin")
        if type(answer.get(name)) is str
    }
    lists: dict[str, Any] = {
        name: answer[name] for name in ("kinds", "arguments", "args", "changed") if type(answer.get(name)) is list
    }
    lists |= {name: answer[name] for name in ("raised", "kwargs") if type(answer.get(name)) is dict}
    lists["kinds"] = [kind for kind in lists.get("kinds", []) if type(kind) is str][:20]
    tidy = {name: text.encode("utf-8", "replace").decode("utf-8") for name, text in texts.items()}
    return {"state": answer["state"], "value": answer.get("value"), **tidy, **lists}


def examine(source: str, points: float, *, hidden: bool) -> dict[str, Any]:
    """Run a check cell.

    Args:
        source: the check cell.
        points: its points.
        hidden: whether hidden tests are in it, so that no fact may be said.

    Returns:
        "points"; "unmet": lists of the line of the part (or 0), which time, and the facts; "unanswered": whether an
        answer never came; "fault": what is wrong with the check itself, where something is.
    """
    expect.begin()
    session.silent_facts = hidden
    result: dict[str, Any] = {"points": 0.0, "unmet": [], "fault": None}
    unmet: tuple[Fact, ...] = ()
    value = None
    try:
        value = _run(source)
    except CheckFailed as failed:
        unmet = failed.facts
    except AssertionError as failed:
        words = str(failed).strip()[:300]
        unmet = (Fact("said-by-check", {"text": words}) if words and not hidden else Fact("not-met", {}),)
    except Exception as error:  # noqa: BLE001  a check may fail in any way, and must say so
        if is_about_her_data(error, looked=session.looked):
            unmet = (Fact("unforeseen", {}),)
        else:
            result["fault"] = f"{type(error).__name__}: {error}"
    times: dict[int, int] = {}
    for part in expect.parts:
        times[part.line] = times.get(part.line, 0) + 1
        if part.facts:
            result["unmet"].append([part.line, times[part.line], [fact.told() for fact in part.facts]])
    if unmet:
        result["unmet"].append([WHOLE, 1, [fact.told() for fact in unmet]])
    result["points"] = 0.0 if unmet or result["fault"] else _earned(value, points)
    result["unanswered"] = any(fact[0] in UNANSWERED for _line, _time, facts in result["unmet"] for fact in facts)
    return result


def _earned(value: Any, points: float) -> float:
    """Return the points: a number in the last line is partial credit, as in nbgrader; else the parts; else all."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # NaN is no number of points; a whole number may be larger than any float.
        return float(min(max(value, 0.0), points)) if value == value else 0.0  # noqa: PLR0124  NaN
    return min(expect.points(), points) if expect.parts else points


def _run(source: str) -> Any:
    """Run a check in a namespace of its own; return the value of its last line, where that is an expression."""
    tree = ast.parse(source, filename="<check>")
    end = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    names: dict[str, Any] = {"__name__": "__check__"}
    exec(compile(tree, "<check>", "exec"), names)  # noqa: S102  a check of the course's author
    if not isinstance(end, ast.Expr):
        return None
    return eval(compile(ast.Expression(end.value), "<check>", "eval"), names)  # noqa: S307  the same


def needs(source: str) -> set[str]:
    """Return the modules that both sides of a check will need: they are imported while the box starts."""
    return {"pandas"} if re.search(r"\bpandas\b|\.(frame|series|column|table|drawn)\(", source) else set()


def warm() -> None:
    """Nothing more is needed than what is imported by now."""


def begin(_made: None, line: Channel, status: Channel, order: dict[str, Any]) -> NoReturn:
    """Be the first process of an examiner: say how it ended."""
    examining = os.fork()
    if examining == 0:
        status.close()
        _examine_all(line, order)
    line.close()
    while True:
        ended, how = os.wait()
        if ended == examining:
            status.send({"ended": os.waitstatus_to_exitcode(how)})
            os._exit(0)


def _examine_all(channel: Channel, begun: dict[str, Any]) -> NoReturn:
    """Examine what is asked until nobody asks any more."""
    cpu_s, memory = begun["cpu_s"], begun["memory"]
    # By the kernel: what her data make slow may be one call into C, which no signal handler interrupts.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    session.source = Pipe(channel)
    sys.addaudithook(plain.watched)
    sys.path.append(str(Path.cwd()))  # the unit's own modules, after everything else
    # What a check prints must not reach anybody.
    sys.stdout = sys.stderr
    seed = str(begun["seed"])
    try:
        channel.send({"ready": True})
        while True:
            order, _descriptors = channel.receive()
            # Each check draws the same numbers, whatever was examined before it.
            chance.seed(seed)
            if order["do"] == "plain":
                channel.send({"examined": plain.examine(order, session.source)})
            else:
                channel.send({"examined": examine(order["source"], order["points"], hidden=order["hidden"])})
    except (ClosedError, OSError):
        os._exit(0)
    except BaseException:  # noqa: BLE001  said where whoever started it looks, and never by another way out of the fork
        traceback.print_exc()
        os._exit(1)
