"""What people and tools do to a notebook besides answering: each changes what is sent."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode


@dataclass
class Sent:
    """A submission that is being made: its notebooks by name, files by path, and its own dice."""

    notebooks: dict[str, NotebookNode]
    dice: random.Random
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def first(self) -> NotebookNode:
        return next(iter(self.notebooks.values()))

    def cells(self, flag: str = "", cell_type: str = "") -> Iterator[NotebookNode]:
        """Yield the cells that have a flag of nbgrader's set."""
        for notebook in self.notebooks.values():
            for cell in notebook.cells:
                meta = cell.metadata.get("nbgrader", {})
                if (not flag or meta.get(flag)) and cell_type in ("", cell.cell_type):
                    yield cell

    def checks(self) -> list[NotebookNode]:
        return [cell for cell in self.cells("grade", "code") if not cell.metadata.nbgrader.solution]

    def answers(self) -> list[NotebookNode]:
        return [cell for cell in self.cells("solution", "code") if not cell.metadata.nbgrader.grade]

    def one(self, cells: list[NotebookNode]) -> NotebookNode:
        return self.dice.choice(cells)

    def home(self, cell: NotebookNode) -> tuple[NotebookNode, int]:
        """Return the notebook that a cell lies in, and its place there."""
        for notebook in self.notebooks.values():
            for place, found in enumerate(notebook.cells):
                if found is cell:
                    return notebook, place
        raise LookupError(cell)

    def remove(self, cell: NotebookNode) -> None:
        notebook, place = self.home(cell)
        del notebook.cells[place]

    def add(self, text: str, place: int | None = None, kind: str = "code") -> None:
        """Put a cell of hers into the first notebook; at its end where no place is said."""
        new: Any = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell,
               "raw": nbformat.v4.new_raw_cell}[kind]  # fmt: skip
        cells = self.first.cells
        cell = new(text, id=f"hers-{len(cells)}")
        cells.insert(len(cells) if place is None else place, cell)

    def copy(self, cell: NotebookNode, text: str, *, before: bool) -> NotebookNode:
        """Copy a cell with all its metadata, as Lab does."""
        notebook, place = self.home(cell)
        twin: NotebookNode = nbformat.from_dict(json.loads(json.dumps(cell)))
        twin.source, twin.id = text, f"{cell.id}-copy"
        notebook.cells.insert(place if before else place + 1, twin)
        return twin


Quirk = Callable[[Sent], None]


def executed(sent: Sent) -> None:
    for number, cell in enumerate(sent.cells(cell_type="code"), 1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("error", ename="NameError", evalue="x", traceback=["x"])]


def shown_points(sent: Sent) -> None:
    for cell in sent.checks():
        cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "99"}, execution_count=1)]


def other_kernel(sent: Sent) -> None:
    sent.first.metadata["kernelspec"] = {"name": "conda-env-mine", "display_name": "Mine"}


def no_kernel(sent: Sent) -> None:
    sent.first.metadata.clear()


def old_minor(sent: Sent) -> None:
    sent.first.nbformat_minor = 2
    for cell in sent.first.cells:
        del cell["id"]


def same_ids(sent: Sent) -> None:
    for cell in sent.first.cells[:2]:
        cell.id = "same"


def more_points(sent: Sent) -> None:
    for cell in sent.checks():
        cell.metadata.nbgrader.points = 99


def check_eased(sent: Sent) -> None:
    for cell in sent.checks():
        cell.source = "assert True"


def check_emptied(sent: Sent) -> None:
    sent.one(sent.checks()).source = ""


def check_spaced(sent: Sent) -> None:
    cell = sent.one(sent.checks())
    cell.source += "\n\n# I looked at this.   "


def check_gone(sent: Sent) -> None:
    sent.remove(sent.one(sent.checks()))


def checks_gone(sent: Sent) -> None:
    for cell in sent.checks():
        sent.remove(cell)


def answer_gone(sent: Sent) -> None:
    sent.remove(sent.one(sent.answers()))


def answer_emptied(sent: Sent) -> None:
    sent.one(sent.answers()).source = ""


def answer_commented(sent: Sent) -> None:
    cell = sent.one(sent.answers())
    cell.source = "# " + cell.source.replace("\n", "\n# ")


def copy_first(sent: Sent) -> None:
    sent.copy(sent.one(sent.answers()), "raise RuntimeError('an attempt')", before=True)


def copy_last(sent: Sent) -> None:
    sent.copy(sent.one(sent.answers()), "pass", before=False)


def copy_overrides(sent: Sent) -> None:
    cell = sent.one(sent.answers())
    words = cell.source.split("=")[0].split("(")[0].split()
    sent.copy(cell, f"{words[-1] if words and words[-1].isidentifier() else 'x'} = None", before=False)


def split_answer(sent: Sent) -> None:
    cell = max(sent.answers(), key=lambda one: one.source.count("\n\n"))
    first, _blank, rest = cell.source.partition("\n\n")
    cell.source = rest or "pass"
    sent.copy(cell, first, before=True)


def split_off(sent: Sent) -> None:
    cell = max(sent.answers(), key=lambda one: one.source.count("\n\n"))
    first, _blank, rest = cell.source.partition("\n\n")
    cell.source = rest or "pass"
    sent.copy(cell, first, before=True).metadata.clear()


def copied_plain(sent: Sent) -> None:
    cell = sent.one(sent.answers())
    sent.copy(cell, cell.source, before=False).metadata.clear()
    cell.source = "print('see below')"


def check_copied(sent: Sent) -> None:
    cell = sent.one(sent.checks())
    sent.copy(cell, cell.source, before=True)


def check_copied_eased(sent: Sent) -> None:
    sent.copy(sent.one(sent.checks()), "pass", before=False)


def backwards(sent: Sent) -> None:
    sent.first.cells.reverse()


def shuffled(sent: Sent) -> None:
    sent.dice.shuffle(sent.first.cells)


def check_moved_up(sent: Sent) -> None:
    cell = sent.one(sent.checks())
    notebook, place = sent.home(cell)
    notebook.cells.insert(0, notebook.cells.pop(place))


def locked_edited(sent: Sent) -> None:
    for cell in sent.cells("locked", "code"):
        if not cell.metadata.nbgrader.grade:
            cell.source = "step, LIMIT, values, table = 7, 1, None, None"


def locked_gone(sent: Sent) -> None:
    for cell in list(sent.cells("locked")):
        if not cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.task:
            sent.remove(cell)


def free_edited(sent: Sent) -> None:
    for notebook in sent.notebooks.values():
        for cell in notebook.cells:
            if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
                cell.source += "\nstart = 11"


def helper_added(sent: Sent) -> None:
    sent.add("import math, collections\n\ndef helper(n):\n    return n", 0)


def breaks_added(sent: Sent) -> None:
    sent.add("1 / 0", len(sent.first.cells) // 2)


def syntax_added(sent: Sent) -> None:
    sent.add("def (:", 1)


def prose_added(sent: Sent) -> None:
    sent.add("I found it *hard*.", kind="markdown")
    sent.add("<b>raw</b>", 1, kind="raw")


def override_added(sent: Sent) -> None:
    sent.add("for name in list(globals()):\n    if not name.startswith('_') and name not in ('In', 'Out', 'exit', 'quit',"
             " 'get_ipython', 'open'):\n        globals()[name] = None\nname = None", len(sent.first.cells) // 2)  # fmt: skip


def end_added(sent: Sent) -> None:
    sent.add("total = square = Account = a = x = None")


def magics_added(sent: Sent) -> None:
    sent.add("%time 1 + 1\n%pwd\n!true", 0)
    sent.add("%%html\n<i>nice</i>", 0)
    sent.add("%nosuchmagic", 1)


def warns_at_top(sent: Sent) -> None:
    sent.add("import sys, warnings\nwarnings.warn('careful')\nprint('hm', file=sys.stderr)", 0)


def hides_builtins(sent: Sent) -> None:
    sent.add("list = [1, 2]\nsum = 0\nlen = 3\nisinstance = None", 0)


def hides_print(sent: Sent) -> None:
    sent.add("def print(*_):\n    return None\nabs = print", 0)


def skipped_checks(sent: Sent) -> None:
    for cell in sent.checks():
        cell.metadata["tags"] = ["skip-execution"]


def skipped_answer(sent: Sent) -> None:
    sent.one(sent.answers()).metadata["tags"] = ["skip-execution"]


def raises_tag(sent: Sent) -> None:
    for cell in sent.cells(cell_type="code"):
        cell.metadata["tags"] = ["raises-exception"]


def check_as_prose(sent: Sent) -> None:
    _retype(sent.one(sent.checks()))


def answer_as_prose(sent: Sent) -> None:
    _retype(sent.one(sent.answers()))


def _retype(cell: NotebookNode) -> None:
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


def flags_off(sent: Sent) -> None:
    sent.one(sent.checks()).metadata.nbgrader.grade = False


def no_flags(sent: Sent) -> None:
    del sent.one(sent.checks()).metadata["nbgrader"]


def answer_no_flags(sent: Sent) -> None:
    del sent.one(sent.answers()).metadata["nbgrader"]


def renamed(sent: Sent) -> None:
    sent.one(sent.answers()).metadata.nbgrader.grade_id = "something-else"


def unlocked(sent: Sent) -> None:
    for cell in sent.checks():
        cell.metadata.nbgrader.locked = False
        cell.metadata["editable"] = True


def schema_old(sent: Sent) -> None:
    for cell in sent.cells("grade_id"):
        cell.metadata.nbgrader.schema_version = 1


def schema_new(sent: Sent) -> None:
    sent.one(sent.checks()).metadata.nbgrader.schema_version = 99


def schema_none(sent: Sent) -> None:
    for cell in sent.cells("grade_id"):
        del cell.metadata.nbgrader["schema_version"]


def no_file(sent: Sent) -> None:
    del sent.notebooks[next(reversed(sent.notebooks))]
    sent.files["essay.txt"] = b"my words"


def more_files(sent: Sent) -> None:
    sent.files |= {"helper.py": b"one = 1\n", "data/mine.txt": b"mine", "note.txt": b"mine", "data/rows.txt": b"9\n"}
    sent.add("from helper import one", 0)


def more_notebooks(sent: Sent) -> None:
    sent.notebooks["Untitled"] = nbformat.from_dict(json.loads(json.dumps(sent.first)))


def no_cells(sent: Sent) -> None:
    sent.first.cells = []


def not_a_notebook(sent: Sent) -> None:
    sent.files[f"{next(iter(sent.notebooks))}.ipynb"] = b'{"cells": ['


def windows_lines(sent: Sent) -> None:
    for cell in sent.answers():
        cell.source = cell.source.replace("\n", "\r\n")


def tabs_and_letters(sent: Sent) -> None:
    for cell in sent.answers():
        cell.source = cell.source.replace("    ", "\t") + "\nété = 'é' # naïve"


def attachments(sent: Sent) -> None:
    sent.first.metadata["widgets"] = {"state": {}}
    sent.first.metadata["language_info"] = {"name": "python", "version": "3.6.1"}
    for cell in sent.cells():
        cell.metadata["collapsed"] = True
        cell.metadata["jupyter"] = {"source_hidden": True}


QUIRKS: tuple[Quirk, ...] = (
    executed, shown_points, other_kernel, no_kernel, old_minor, same_ids, more_points, check_eased, check_emptied,
    check_spaced, check_gone, checks_gone, answer_gone, answer_emptied, answer_commented, copy_first, copy_last,
    copy_overrides, split_answer, split_off, copied_plain, check_copied, check_copied_eased, backwards, shuffled, check_moved_up, locked_edited,
    locked_gone, free_edited, helper_added, breaks_added, syntax_added, prose_added, override_added, end_added,
    magics_added, warns_at_top, hides_builtins, hides_print, skipped_checks, skipped_answer, raises_tag, check_as_prose,
    answer_as_prose, flags_off, no_flags, answer_no_flags, renamed, unlocked, schema_old, schema_new, schema_none,
    no_file, more_files, more_notebooks, no_cells, not_a_notebook, windows_lines, tabs_and_letters, attachments,
)  # fmt: skip
