"""What a progress file may hold, and what is refused: anybody may have written it."""

import json
from typing import Any

import pytest

from passerelle.model.saved_progress import MOST_BYTES, SavedProgressError, Why, read_saved_progress

CHECKS = [{"check": "check-mean", "passed": "2026-11-22T06:40:00.000Z"}, {"check": "check-top", "passed": None}]
UNIT = {
    "track": "data-science",
    "unit": "d1-tables",
    "version": "0123456789abcdef",
    "saved": "2026-11-22T06:41:00.000Z",
    "tasks": [{"task": "mean", "checks": CHECKS}],
}
FILE = {"passerelle_progress": 1, "saved": "2026-11-22T06:41:00.000Z", "units": [UNIT]}


def content(**changed: Any) -> bytes:
    return json.dumps({**FILE, **changed}).encode()


def unit(**changed: Any) -> bytes:
    return content(units=[{**UNIT, **changed}])


def test_a_file_of_ours_is_read() -> None:
    read = read_saved_progress(json.dumps(FILE, indent=1).encode() + b"\n")

    assert [(one.unit, one.tasks[0].task, one.tasks[0].passed) for one in read.units] == [("d1-tables", "mean", 1)]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        pytest.param(b"", Why.NONE, id="no-file"),
        pytest.param(content() + b" " * MOST_BYTES, Why.TOO_LARGE, id="large"),
        pytest.param(b"[" * 50_000 + b"]" * 50_000, Why.TOO_DEEP, id="nested"),
        pytest.param(b'{"passerelle_progress": 1, "units": [[[[[[[0]]]]]]]}', Why.TOO_DEEP, id="one-level-deeper"),
        pytest.param(b"<!doctype html><title>x</title>", Why.TEXT, id="a-page"),
        pytest.param(unit(unit="<script>alert(1)</script>"), Why.TEXT, id="html-as-a-name"),
        pytest.param(unit(unit="d1").replace(b"d1", b"\\u003cb\\u003e"), Why.NOT_OURS, id="html-escaped"),
        pytest.param(unit(track="../../etc"), Why.NOT_OURS, id="a-path-as-a-name"),
        pytest.param(unit(name="Fern"), Why.NOT_OURS, id="a-field-more"),
        pytest.param(unit(points=12), Why.NOT_OURS, id="points"),
        pytest.param(unit(saved="2026-11-22T06:41:00"), Why.NOT_OURS, id="a-time-without-a-zone"),
        pytest.param(unit(saved="9999-12-31T23:59:59Z"), Why.NOT_OURS, id="a-time-to-come"),
        pytest.param(unit(saved=1e308), Why.NOT_OURS, id="a-number-as-a-time"),
        pytest.param(content(units=[]), Why.NOT_OURS, id="nothing-in-it"),
        pytest.param(content(units=[UNIT] * 101), Why.NOT_OURS, id="many-units"),
        pytest.param(content(passerelle_progress=2), Why.OTHER_VERSION, id="a-newer-schema"),
        pytest.param(content(passerelle_progress=True), Why.NOT_OURS, id="a-schema-that-is-no-number"),
        pytest.param(b'"text"', Why.NOT_OURS, id="no-object"),
        pytest.param(b'{"passerelle_progress": NaN}', Why.NOT_OURS, id="not-quite-json"),
        pytest.param(b'{"passerelle_progress": ' + b"9" * 5_000 + b"}", Why.NOT_OURS, id="a-huge-number"),
        pytest.param(b"\xff\xfe{}", Why.NOT_OURS, id="no-utf-8"),
        pytest.param(unit(unit="d1").replace(b'"d1"', b'"\\ud800"'), Why.NOT_OURS, id="half-a-sign"),
    ],
)
def test_a_hostile_file_is_refused_with_its_reason(sent: bytes, why: Why) -> None:
    with pytest.raises(SavedProgressError) as refused:
        read_saved_progress(sent)

    assert refused.value.why is why
