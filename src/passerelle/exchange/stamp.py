"""nbgrader's way to write a moment: a submission's `timestamp.txt`, the folder of its feedback."""

import re
from datetime import UTC, datetime

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?( (UTC|[+-]\d{4}))?")


def timestamp(moment: datetime) -> str:
    """Write a moment as nbgrader does, to the microsecond, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def is_timestamp(text: str) -> bool:
    """Tell whether a text is one of nbgrader's timestamps; as a folder's name it leads nowhere else."""
    return _TIMESTAMP.fullmatch(text) is not None
