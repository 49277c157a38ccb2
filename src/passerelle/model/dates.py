"""Days and weeks as a calendar on the wall has them; moments are kept in UTC."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = (
    re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"),
    re.compile(r"(?P<day>[0-9]{1,2})[/.](?P<month>[0-9]{1,2})[/.](?P<year>[0-9]{4})"),
)


def parse_day(text: str) -> date:
    """Return the day of «2026-11-29», or of «29/11/2026» as spreadsheets in French write it.

    Raises:
        ValueError: for anything else, and for a day that no calendar has.
    """
    for form in _DAYS:
        if found := form.fullmatch(text.strip()):
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
    raise ValueError(f"{text!r} is no day: write it like 2026-11-29 or 29/11/2026")


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day is over: the next one's midnight."""
    return start_of_day(day + timedelta(days=1), zone)


def last_day(until: datetime, zone: ZoneInfo) -> date:
    """Return the last day that lies before a moment: of midnight, the day it ends."""
    return (until - timedelta(microseconds=1)).astimezone(zone).date()


def weeks_after(moment: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """Return the same time on the same weekday some weeks later, by the clock on the wall.

    Over a change of the clocks that is an hour more or less than so many times 168.
    """
    return (moment.astimezone(zone) + timedelta(weeks=weeks)).astimezone(UTC)


def weeks_between(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    """Return how many whole weeks of the wall's clock lie between two moments; negative where `end` is before."""
    here, there = (moment.astimezone(zone).replace(tzinfo=None) for moment in (start, end))
    return (there - here) // timedelta(weeks=1)
