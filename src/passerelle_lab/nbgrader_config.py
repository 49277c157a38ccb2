"""What makes nbgrader use Passerelle's exchange. Imports nothing of nbgrader: a hub reads it too."""

FACTORY = {
    "exchange": "Exchange",
    "list": "ExchangeList",
    "fetch_assignment": "ExchangeFetchAssignment",
    "fetch_feedback": "ExchangeFetchFeedback",
    "submit": "ExchangeSubmit",
    "collect": "ExchangeCollect",
    "release_assignment": "ExchangeReleaseAssignment",
    "release_feedback": "ExchangeReleaseFeedback",
}
"""nbgrader's setting for each of its exchange's roles, and our class for it."""


def settings() -> dict[str, dict[str, str]]:
    """Return nbgrader's settings, for an `nbgrader_config.json` where Jupyter looks for configuration."""
    return {"ExchangeFactory": {role: f"passerelle_lab.exchange.{name}" for role, name in FACTORY.items()}}


def text(track: str = "") -> str:
    """Return the same as lines of an `nbgrader_config.py`; `track` where all commands there are for one."""
    lines = ["c = get_config()"]
    lines += [f'c.ExchangeFactory.{role} = "{name}"' for role, name in settings()["ExchangeFactory"].items()]
    if track:
        lines.append(f"c.CourseDirectory.course_id = {track!r}")
    return "\n".join(lines) + "\n"
