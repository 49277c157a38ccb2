"""Whose fault an error in a check is: her data's («not met»), or the check's own (ours, never a point)."""

import inspect
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNFORESEEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
_HERE = str(Path(__file__).parent)


def is_our_fault(error: Exception) -> bool:
    """Say whether an error can come of nothing but the check's own text, whatever her data are.

    A name nobody defined, a module or a name in it that is not there, text that is no Python.
    """
    if type(error).__module__.startswith("pandas."):  # a column that is not there is a NameError of `query`, too
        return False
    if isinstance(error, AttributeError):
        return type(error.obj) is types.ModuleType
    return isinstance(error, (NameError, ImportError, SyntaxError, NotImplementedError))


def is_about_her_data(error: Exception, *, looked: bool) -> bool:
    """Say whether an error in a check comes of data that nobody foresaw, or is the check's own fault.

    It is about her data where a word stumbled over them, or where the check's own Python did after it has had them
    (`looked`).
    """
    if is_our_fault(error):
        return False
    # pandas has errors of no builtin kind, for labels that are there twice for instance.
    if looked and (isinstance(error, UNFORESEEN) or type(error).__module__.startswith("pandas.")):
        return True
    trace, words = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        words += [code.co_name] if code.co_filename.startswith(_HERE) else []
        trace = trace.tb_next
    # `part` itself is in every trace of its block; what an author hands over is hers to mend.
    return bool({*words} - {"_part"}) and not {"packed", "must_take_one"} & {*words}


def must_take_one(rule: Callable[[Any], object]) -> None:
    """Hold a rule to taking one value.

    Raises:
        TypeError: it is no function, or takes more or fewer.
    """
    if not callable(rule):
        raise TypeError("satisfies() takes a function of one value")
    try:
        signature = inspect.signature(rule)
    except ValueError:  # some builtins have none
        return
    signature.bind(None)
