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


def text(track: str = "") -> str:
    """Return the lines an `nbgrader_config.py` needs; `track` where all commands there are for one."""
    lines = ["c = get_config()"]
    lines += [f'c.ExchangeFactory.{role} = "passerelle_lab.exchange.{name}"' for role, name in FACTORY.items()]
    if track:
        lines.append(f"c.CourseDirectory.course_id = {track!r}")
    return "\n".join(lines) + "\n"
