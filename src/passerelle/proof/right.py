"""Other right answers: whether there are enough, and whether they are written differently."""

import ast
import re

from passerelle.courses import Fault, Kind, UnitFolder
from passerelle.proof.submissions import reference_answers

LEAST_RIGHT = 2
"""Right answers, beside the reference, that each counted machine task needs."""


def right_answer_faults(folder: UnitFolder) -> list[Fault]:
    """Return the counted tasks with too few right answers, and answers that are another's with other names."""
    reference = reference_answers(folder)
    faults = []
    for task in dict.fromkeys(cell.task for cell in folder.cells if cell.kind is Kind.CHECK):
        own = [cell.key for cell in folder.cells if cell.kind is Kind.ANSWER and cell.task == task]
        # One page answers several tasks.
        keys = own or [cell.key for cell in folder.cells if cell.kind is Kind.ANSWER]
        shapes = {_shapes(reference, keys): "the reference"}
        for right in folder.right:
            if not right.answers.keys() & set(keys):
                continue
            shape = _shapes(reference | right.answers, keys)
            if shape in shapes:
                what = f"its answer to the task {task!r} is that of {shapes[shape]}, but for names or spaces"
                faults.append(Fault(folder.where(f"right/{right.name}.toml"), what, "write it in another way"))
            shapes.setdefault(shape, f"right/{right.name}.toml")
        count = len(shapes) - 1
        if count < LEAST_RIGHT:
            said = f"the task {task!r} has {count} other right {'answer' if count == 1 else 'answers'}"
            faults.append(Fault(folder.where("right"), said, f"write {LEAST_RIGHT}, each in a way of its own"))
    return faults


def _shapes(answers: dict[str, str], keys: list[str]) -> tuple[str, ...]:
    return tuple(shape(answers[key]) for key in keys)


def shape(text: str) -> str:
    """Return what two answers share that differ in names of variables, comments or spaces alone."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return re.sub(r"\s+", " ", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)).strip().lower()
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    taken = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]
    own = {name: f"name{number}" for number, name in enumerate(dict.fromkeys([*taken, *stored]))}
    return ast.dump(_Renamed(own).visit(tree))


class _Renamed(ast.NodeTransformer):
    def __init__(self, own: dict[str, str]) -> None:
        self._own = own

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._own.get(node.id, node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self._own.get(node.arg, node.arg), node.annotation)
