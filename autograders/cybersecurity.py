"""What checks of the cybersecurity track have of their own: Argon2 records, seeded passwords, comparisons watched.

A check reads her record as text and decides here, outside her process; no password, salt or digest is ever said.

    from autograders import expect
    from autograders.cybersecurity import argon2id, enough_cost, holds
    found = expect.call("store", "three small lamps").text()
    argon2id(found)
    enough_cost(found)

What only her process can see (`compares_evenly`) is asked there, and is its word: see that function.
"""

import base64
import binascii
import hashlib
import random
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograders import chance
from autograders.asked import given
from autograders.expectation import Expectation
from autograders.session import packed, session

OWASP = ((5, 7168), (4, 9216), (3, 12288), (2, 19456), (1, 47104))
"""Passes and the least memory in KiB that go with them: OWASP, Password Storage Cheat Sheet, Argon2id."""
LEAST_SALT = 16
"""Bytes: RFC 9106, section 4."""
_KINDS, _VERSION = ("argon2id", "argon2i", "argon2d"), 19
_MOST = 1_048_576  # KiB times passes: what a check is ready to compute for one record
_PHC = re.compile(r"\$(argon2(?:id|i|d))\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
_FORMS: tuple[Any, ...] = ("NFC", "NFD", "NFKC", "NFKD")
_WORDS = {
    "en": [
        "lamp",
        "river",
        "bread",
        "window",
        "garden",
        "pencil",
        "bridge",
        "morning",
        "orange",
        "basket",
        "winter",
        "ladder",
        "button",
        "candle",
    ],
    "fr": [
        "lampe",
        "rivière",
        "pain",
        "fenêtre",
        "jardin",
        "crayon",
        "route",
        "matin",
        "forêt",
        "panier",
        "hiver",
        "échelle",
        "bouton",
        "théière",
    ],
}


@dataclass(frozen=True)
class Argon2:
    """An Argon2 record in the PHC string format. `memory` is in KiB."""

    kind: str
    version: int
    memory: int
    passes: int
    lanes: int
    salt: bytes
    digest: bytes

    @property
    def least_memory(self) -> int:
        """Return the least memory in KiB that OWASP asks for with so many passes."""
        return next((memory for passes, memory in OWASP if self.passes >= passes), OWASP[-1][1])

    @property
    def is_enough(self) -> bool:
        """Say whether guessing costs at least what OWASP asks for."""
        return self.memory >= self.least_memory and self.passes >= 1 and self.lanes >= 1


def parsed(text: str) -> Argon2 | None:
    """Return what an Argon2 record says; None where the text is none."""
    found = _PHC.fullmatch(text) if len(text) <= 1000 else None
    if found is None:
        return None
    try:
        salt, digest = (base64.b64decode(part + "=" * (-len(part) % 4), validate=True) for part in found.groups()[5:])
        version, memory, passes, lanes = (int(part[:12]) for part in found.groups()[1:5])
    except (binascii.Error, ValueError):
        return None
    return Argon2(found[1], version, memory, passes, lanes, salt, digest)


# What is expected of a record


def argon2id(found: Expectation, *, else_: str | None = None, look: str | None = None, **facts: Any) -> Argon2:
    """Expect an Argon2id record (`$argon2id$v=19$…`), and return what it says.

    Raises:
        CheckFailed: it is none; what is said of it is its kind, never its text.
    """
    return _record(found, ("argon2id",), else_, look, facts)


def _record(found: Expectation, kinds: Sequence[str], else_: str | None, look: str | None, facts: Any) -> Argon2:
    found.text(look=look)
    record = parsed(str(found.value))
    if record is None or record.kind not in kinds or record.version != _VERSION:
        kind = _kind_of(str(found.value), record)
        found._fail("argon2-other", else_, look, {"found": {"id": kind, "args": {}}}, facts)
        raise AssertionError  # `_fail` always raises
    return record


def _kind_of(text: str, record: Argon2 | None) -> str:
    if record is not None:
        return "record-argon2-other"
    if re.fullmatch(r"[0-9a-fA-F]{32,128}", text):
        return "record-hex"
    return "record-cut" if text.startswith("$argon2") else "record-none"


def enough_cost(found: Expectation, *, else_: str | None = None, look: str | None = None, **facts: Any) -> None:
    """Expect an Argon2 record, of whichever kind, that costs at least what OWASP asks for."""
    record = _record(found, _KINDS, else_, look, facts)
    if not record.is_enough:
        # As a record writes them: a number of a sentence would have its thousands set apart.
        args = {"memory": str(record.memory), "passes": str(record.passes), "least": str(record.least_memory)}
        found._fail("argon2-cost", else_, look, args, facts)


def long_salt(found: Expectation, *, else_: str | None = None, look: str | None = None, **facts: Any) -> None:
    """Expect an Argon2 record, of whichever kind, with a salt of at least 16 bytes."""
    record = _record(found, _KINDS, else_, look, facts)
    if len(record.salt) < LEAST_SALT:
        found._fail("argon2-salt", else_, look, {"expected": LEAST_SALT, "found": len(record.salt)}, facts)


def holds(text: object, password: str) -> bool:
    """Say whether a record is one of this password, in any normal form of Unicode, and does not hold it in clear.

    A record that costs many times what OWASP asks for is not computed, and holds nothing.
    """
    record = parsed(text) if type(text) is str else None
    if record is None or record.memory * max(record.passes, 1) > _MOST or not 1 <= record.lanes <= 16:
        return False
    import argon2.low_level  # noqa: PLC0415  only these checks pay for it
    from argon2.exceptions import Argon2Error  # noqa: PLC0415

    kind = argon2.low_level.Type[record.kind.removeprefix("argon2").upper()]
    forms = dict.fromkeys([password, *(unicodedata.normalize(form, password) for form in _FORMS)])
    if any(form.encode() in record.salt + b"|" + record.digest for form in forms if form):
        return False
    for form in forms:
        try:
            return argon2.low_level.verify_secret(str(text).encode(), form.encode(), kind)
        except Argon2Error:
            continue
    return False


# What is unseen


def passwords(count: int, seed: str) -> list[str]:
    """Return passwords of four words, in both languages in turn, some with accents and digits; always the same."""
    drawn = random.Random(seed)  # noqa: S311  no secret: these open nothing
    made = []
    for number in range(count):
        words = drawn.sample(_WORDS["en" if number % 2 else "fr"], 4)
        words[1] = words[1].capitalize()
        made.append(" ".join(words) + f" {drawn.randrange(10, 100)}")
    return made


def near_misses(password: str) -> list[str]:
    """Return what is almost a password: case, spaces, nothing, a part, one more, no accents, a letter for another."""
    plain = "".join(one for one in unicodedata.normalize("NFD", password) if not unicodedata.combining(one))
    made = [
        password.swapcase(),
        password.capitalize() if password != password.capitalize() else password.lower(),
        f"{password} ",
        f" {password}",
        password.replace(" ", ""),
        "",
        password[:-1],
        password[: len(password) // 2],
        f"{password}{password[-1]}",
        plain,
        f"{password[:-1]}{'2' if password[-1] != '2' else '3'}",
    ]
    return [one for one in dict.fromkeys(made) if one != password]


def argon2_record(password: str, salt: bytes, *, passes: int = 2, memory: int = 19456, lanes: int = 1) -> str:
    """Return an Argon2id record of a password; `memory` is in KiB."""
    import argon2.low_level  # noqa: PLC0415  only these checks pay for it

    made = argon2.low_level.hash_secret(
        password.encode(), salt, passes, memory, lanes, hash_len=32, type=argon2.low_level.Type.ID
    )
    return made.decode()


def sha256_record(password: str, salt: str) -> str:
    """Return an old record, `sha256$salt$digest`: the digest of the salt and then the password, in hexadecimal."""
    return f"sha256${salt}${hashlib.sha256((salt + password).encode()).hexdigest()}"


def is_predictable(function: str, *args: Any) -> bool:
    """Say whether her function gives the same again when `random` (and NumPy's generator) begin at the same state.

    What asks the system (`secrets`, `os.urandom`, Argon2's own salts) does not.
    """
    question = {"op": "call", "on": {"name": function}, "plain": True, "chance": chance.state()}
    first, second = (session.source.ask({**question, "args": [packed(one) for one in args]}) for _ in range(2))
    return first.get("state") == second.get("state") == "value" and first.get("value") == second.get("value")


# Comparisons, watched in her process

_SECRET = 16
"""Characters from which a text counts as a secret that is compared, and not as a mark such as `sha256`."""


def compares_evenly(
    function: str, *calls: Sequence[Any], else_: str | None = None, look: str | None = None, **facts: Any
) -> None:
    """Expect that her function does not stop at the first difference between two secrets.

    It is called with each of `calls`: arguments that differ in where the difference lies, not in length. Its texts are
    watched meanwhile: two long ones must not meet in `==`, `!=`, `in` or `startswith`, and neither the lines of Python
    that run nor the single characters that are compared may depend on where the difference lies. So
    `compare_digest`, a loop that always goes to the end, and a comparison of two digests of them are all right.

    It shows how her code compares, not how long the processor takes. It does not see a `==` after a library in C has
    made new texts (a hash, a number), and it is her process that answers.
    """
    hers = Expectation(function, lambda _back: session.source.get(function), lambda: _held(function))
    question = {"op": "method", "on": {"t": "module", "n": __name__}, "attr": "watched"}
    answer = session.source.ask({**question, "args": [given(hers), [_plain(call) for call in calls]]})
    found = hers._beside(f"{function}(…)", f"{function}(…)", answer).value
    if found != "even":
        found = found if found in ("meets", "stops") else "stops"
        hers._fail(f"compares-{found}", else_, look, {}, facts)


def _held(function: str) -> dict[str, Any]:
    return session.source.ask({"op": "get", "on": {"name": function}})


def _plain(call: Sequence[Any]) -> Any:
    return packed(list(call))


def watched(function: Callable[..., Any], calls: Sequence[Sequence[Any]]) -> str:
    """Return, in her process, how a function compares: `even`, `meets` (two secrets in `==`), `stops` (too early)."""
    counts = []
    function(*calls[0])  # an import inside it, or what it keeps, is not a step of comparing
    for call in calls:
        spy = _Spy()
        before = sys.gettrace()
        sys.settrace(spy.trace)
        try:
            function(*(spy.over(one) for one in call))
        finally:
            sys.settrace(before)
        if spy.met:
            return "meets"
        counts.append((spy.steps, spy.single))
    return "even" if len(set(counts)) <= 1 else "stops"


class _Spy:
    """Counts steps and comparisons of one call."""

    def __init__(self) -> None:
        self.met = False
        self.steps = self.single = 0

    def trace(self, frame: Any, _event: str, _arg: Any) -> Any:
        """Count a line of Python, but for this file's own."""
        if frame.f_code.co_filename == __file__:
            return None
        self.steps += 1
        return self.trace

    def over(self, value: Any) -> Any:
        """Return a value whose comparisons are seen."""
        kinds: dict[type[Any], Any] = {str: _Text, bytes: _Bytes}
        kind = kinds.get(type(value))
        if kind is not None:
            made = kind(value)
            made.spy = self
            return made
        if type(value) in (list, tuple):
            return type(value)(self.over(one) for one in value)
        return value

    def compares(self, one: Any, other: Any) -> None:
        """Note a comparison."""
        if isinstance(other, (str, bytes)):
            short, long = sorted((len(one), len(other)))
            # What is much shorter is the beginning of a record, not a secret of the same kind.
            self.met = self.met or (short >= _SECRET and 2 * short > long)
        self.single += 1


_KEPT = (
    *("__getitem__", "__add__", "encode", "decode", "strip", "lstrip", "rstrip", "lower", "upper", "casefold"),
    *("split", "rsplit", "partition", "rpartition", "splitlines", "replace", "removeprefix", "removesuffix", "hex"),
)
"""What gives back a part or a form of the same text."""


def _watching(kind: Any) -> Any:
    """Make a class of texts or bytes that notes comparisons, and whose parts do so, too."""

    class Watched(kind):  # type: ignore[misc]  # one body for texts and for bytes
        spy: _Spy
        __hash__ = kind.__hash__

        def __eq__(self, other: object) -> bool:
            self.spy.compares(self, other)
            return bool(kind.__eq__(self, other) is True)

        def __ne__(self, other: object) -> bool:
            return not self == other

        def __contains__(self, other: Any) -> bool:
            self.spy.compares(self, other)
            return bool(kind.__contains__(self, other))

        def __iter__(self) -> Iterator[Any]:
            return (self.spy.over(one) for one in kind.__iter__(self))

    def noting(name: str) -> Any:
        def method(self: Any, other: Any, *rest: Any) -> Any:
            self.spy.compares(self, other if isinstance(other, kind) else kind())
            return getattr(kind, name)(self, other, *rest)

        return method

    def keeping(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return self.spy.over(getattr(kind, name)(self, *args, **kwargs))

        return method

    for name in ("startswith", "endswith", "find", "index", "count"):
        setattr(Watched, name, noting(name))
    for name in _KEPT:
        if hasattr(kind, name):
            setattr(Watched, name, keeping(name))
    return Watched


_Text, _Bytes = _watching(str), _watching(bytes)
