"""Notebooks whose cells, metadata, tags and JSON are not as they were given out."""

import json
from collections.abc import Callable
from typing import Any

from tests.attacks.attack import NOTHING, Attack
from tests.attacks.tiny import POINTS, RIGHT, TASKS

Notebook = dict[str, Any]
_ALL = tuple(TASKS)


def _unearned(name: str, tries: str, edit: Callable[[Notebook], Any]) -> Attack:
    """Return an attack by a changed notebook with answers that deserve nothing."""
    return Attack(name, tries, NOTHING, edit=edit)


def _earned(name: str, tries: str, edit: Callable[[Notebook], Any], keeps: tuple[str, ...] = _ALL) -> Attack:
    """Return an attack by a changed notebook with right answers, which keep their points and get no more."""
    return Attack(name, tries, RIGHT, POINTS, keeps, edit)


def _checks(notebook: Notebook) -> list[dict[str, Any]]:
    return [
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("check-")
    ]


def _cell(text: str, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": metadata.pop("id", "added"),
        "metadata": metadata,
        "source": text,
        "outputs": [],
        "execution_count": None,
    }


def _tagged(*tags: str) -> Callable[[Notebook], None]:
    def edit(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            cell["metadata"]["tags"] = list(tags)

    return edit


def _meta(**facts: Any) -> Callable[[Notebook], None]:
    def edit(notebook: Notebook) -> None:
        for cell in _checks(notebook):
            cell["metadata"]["nbgrader"].update(facts)

    return edit


def _own_checks(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        cell["source"] = "5"


def _own_checks_beside(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        notebook["cells"].append({**cell, "source": "1000"})
        notebook["cells"].insert(0, {**cell, "source": "1000"})


def _checks_that_are_answers(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        cell["metadata"]["nbgrader"].update(solution=True, locked=False)
        cell["source"] = "5"


def _answers_that_are_checks(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("solution"):
            meta.update(grade=True, points=100, grade_id=meta["grade_id"].replace("answer", "check"))
            cell["source"] = "100"


def _as_markdown(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        cell["cell_type"] = "markdown"
        del cell["outputs"], cell["execution_count"]


def _without_checks(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        notebook["cells"].remove(cell)


def _checks_first(notebook: Notebook) -> None:
    checks = _checks(notebook)
    notebook["cells"] = [*checks, *(cell for cell in notebook["cells"] if cell not in checks)]


def _done_already(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        cell["outputs"] = [
            {"output_type": "execute_result", "data": {"text/plain": "100"}, "metadata": {}, "execution_count": 1}
        ]
        cell["execution_count"] = 1


def _verdict_within(notebook: Notebook) -> None:
    notebook["metadata"]["passerelle"] = {
        "attempt": 99, "received": "1999-01-01T00:00:00Z", "owner": "somebody-else", "language": "../../x",
        "verdict": {"points": 100, "outcome": "marked", "checks": [{"key": "check-double", "points": 100, "state": "passed"}]},
    }  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"].setdefault("passerelle", {}).update(
            kind="hints", points=100, verdict={"points": 100}, state="passed"
        )


def _kernel(name: str, language: str) -> Callable[[Notebook], None]:
    def edit(notebook: Notebook) -> None:
        notebook["metadata"]["kernelspec"] = {"name": name, "display_name": name, "language": language}
        notebook["metadata"]["language_info"] = {"name": language, "file_extension": ".exe"}

    return edit


def _same_ids(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["id"] = "same"


def _one_key(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["nbgrader"] = {
            "grade_id": "check-double",
            "grade": True,
            "solution": True,
            "locked": False,
            "points": 2,
            "schema_version": 3,
            "task": False,
        }
        cell["metadata"]["passerelle"] = {"key": "check-double"}


def _deep(notebook: Notebook) -> bytes:
    return (
        json.dumps(notebook)
        .replace('"metadata": {', '"metadata": {"deep": ' + "[" * 50_000 + "]" * 50_000 + ", ", 1)
        .encode()
    )


def _odd_numbers(notebook: Notebook) -> bytes:
    for cell in _checks(notebook):
        cell["metadata"]["nbgrader"].update(points="ODD")
    return json.dumps(notebook).replace('"ODD"', "1" + "0" * 4000).encode()


def _no_numbers(notebook: Notebook) -> bytes:
    for cell in _checks(notebook):
        cell["metadata"]["nbgrader"].update(points=float("nan"))
    notebook["nbformat_minor"] = float("inf")
    return json.dumps(notebook).encode()


def _surrogates(notebook: Notebook) -> None:
    notebook["cells"].append(_cell("x = '\ud800'\n# \udfff", tags=["\ud800"]))
    notebook["metadata"]["title"] = "\ud800"


def _twice(notebook: Notebook) -> bytes:
    text = json.dumps(notebook)
    return (text[:-1] + ', "cells": [], "nbformat": 4, "cells": ' + json.dumps(notebook["cells"]) + "}").encode()


def _metadata_of_other_types(notebook: Notebook) -> None:
    for number, cell in enumerate(_checks(notebook)):
        cell["metadata"]["nbgrader"] = [None, 5, [], "check-double"][number % 4]
        cell["metadata"]["passerelle"] = [[], "x", 5, None][number % 4]


def _sources_of_other_types(notebook: Notebook) -> None:
    for cell in _checks(notebook):
        cell["source"] = ["5", 5, None, {"a": []}]


def _parts(notebook: Notebook) -> None:
    """Split each answer into two cells under its own id."""
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        if cell["metadata"].get("nbgrader", {}).get("solution") and cell["cell_type"] == "code":
            cells.insert(len(cells) - 1, {**cell, "id": f"{cell['id']}-1", "source": "raise SystemExit"})
    notebook["cells"] = cells


def _many(notebook: Notebook) -> None:
    notebook["cells"] += [_cell("pass", id=f"more-{number}") for number in range(5_000)]


def _later_cells(notebook: Notebook) -> None:
    """Add a cell behind the last one that changes everything, and one before the first."""
    text = "globals().update(mean_price=4, double=lambda n: n * 2, total=lambda rows: sum(row['price'] for row in rows))\nimport builtins\nbuiltins.assert_ = None"
    notebook["cells"].append(_cell(text))


def _magics(notebook: Notebook) -> None:
    notebook["cells"].insert(0, _cell("%%capture\n%load_ext autoreload\n%autoreload 2", id="magic"))
    notebook["cells"].insert(
        1,
        _cell(
            "%config InteractiveShell.ast_node_interactivity = 'all'\n%run -i nothing.py\n%reset -f\n%xmode Minimal\n%pdb on",
            id="magics",
        ),
    )
    notebook["cells"].insert(2, _cell("%%javascript\nalert(1)", id="js"))


ATTACKS: tuple[Attack, ...] = (
    _unearned("skip-execution", "tags every cell to be skipped", _tagged("skip-execution")),
    _unearned(
        "raises-exception",
        "tags every cell as one that may raise",
        _tagged("raises-exception", "remove_cell", "hide-input"),
    ),
    _unearned("own-checks", "sends checks of its own under the ids of the checks", _own_checks),
    _unearned("own-checks-beside", "sends them beside the checks, before and behind", _own_checks_beside),
    _unearned(
        "checks-that-are-answers", "says that checks are answers, so that hers is taken", _checks_that_are_answers
    ),
    _unearned("answers-that-are-checks", "says that its answers are the checks", _answers_that_are_checks),
    _unearned("checks-as-markdown", "makes checks text that is not run", _as_markdown),
    _unearned("no-checks", "leaves the checks out", _without_checks),
    _unearned("checks-first", "puts the checks before the answers", _checks_first),
    _unearned("done-already", "sends outputs that show the points", _done_already),
    _unearned(
        "a-verdict-within", "writes a verdict, an attempt, a time and an owner into the metadata", _verdict_within
    ),
    _unearned("not-graded", "says that checks are neither graded nor locked", _meta(grade=False, locked=False)),
    _unearned("negative-points", "says that checks have fewer than no points", _meta(points=-5)),
    _unearned("later-cells", "adds a cell at the end that puts the right values in place", _later_cells),
    _earned("more-points", "says that checks have a million points", _meta(points=1_000_000)),
    _earned("schema-version-99", "says that its metadata are of a version to come", _meta(schema_version=99)),
    _earned("checksums", "says other checksums", _meta(checksum="0" * 32)),
    _earned("another-kernel", "asks for a kernel that is not there", _kernel("evil", "python")),
    _earned("another-language", "asks for a shell to run the cells", _kernel("bash", "bash")),
    _earned(
        "a-kernel-with-a-path", "asks for a kernel by a path that leads elsewhere", _kernel("../../../tmp/x", "python")
    ),
    _earned("same-ids", "gives every cell the same id", _same_ids),
    _earned("magics", "adds magics that change how later cells run", _magics, ()),
    _earned("split-answers", "adds a cell that ends Python under the id of each answer, before it", _parts, ()),
    _earned("twice-the-same-key", "says «cells» three times in its JSON", _twice, ()),
    _earned(
        "metadata-of-other-types", "has lists, numbers and nothing where metadata are", _metadata_of_other_types, ()
    ),
    _earned("sources-of-other-types", "has numbers and objects where text is", _sources_of_other_types, ()),
    _earned("one-key", "gives every cell the key of one check", _one_key, ()),
    _earned("huge-numbers", "has points of 4,000 digits", _odd_numbers, ()),
    _earned("nan-and-infinity", "has NaN and Infinity where numbers are", _no_numbers, ()),
    _earned("lone-surrogates", "has text that cannot be encoded", _surrogates),
    _earned("deep-metadata", "has 50,000 lists in one another", _deep, ()),
    _earned("many-cells", "has 5,000 cells more", _many, ()),
    _unearned("not-json", "is no JSON", lambda notebook: b'{"cells": [' + b"\xff\xfe" * 50),
    _unearned(
        "another-format",
        "says that it is a notebook of version 3",
        lambda notebook: json.dumps({**notebook, "nbformat": 3, "worksheets": [{"cells": notebook["cells"]}]}).encode(),
    ),
    _unearned("utf-16", "is encoded in UTF-16", lambda notebook: json.dumps(notebook).encode("utf-16")),
    _unearned("nothing-at-all", "is an empty file", lambda notebook: b""),
    _unearned("a-list", "is a list of itself", lambda notebook: [notebook]),
)
