"""`hints("task")`: a ladder of three steps, one button each: a nudge, the concept, an outline."""


def hints(task: str) -> None:
    """Show the hint ladder of a task, in the reader's language. The texts come from `unit.json`."""


def say_again() -> None:
    """Write every ladder on show again, after the language has changed."""
