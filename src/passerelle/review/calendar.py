"""A meeting as a calendar file (RFC 5545): neutral, so that a company's calendar learns nothing of anybody.

No name, no address, no programme: a time, a length and one word.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.ledger.mentoring import MeetingState
from passerelle.ledger.mentoring_tables import Meeting
from passerelle.review.i18n import Reader

_LINE = 75
"""Octets of a line; what is longer is folded."""


def calendar_file(meeting: Meeting, reader: Reader, zone: ZoneInfo, at: datetime) -> bytes:
    """Return the file: one event at the clock of a zone, whose changes of the clocks it describes.

    A changed plan has the same UID and a higher SEQUENCE; one that was called off is cancelled.
    """
    starts = meeting.starts.astimezone(zone)
    title = reader.say("Meeting")
    off = meeting.state == MeetingState.CALLED_OFF
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//calendar//meeting//EN",
        "CALSCALE:GREGORIAN",
        *_zone_lines(zone, meeting.starts),
        "BEGIN:VEVENT",
        f"UID:{meeting.uid}",
        f"DTSTAMP:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{meeting.sequence}",
        f"DTSTART;TZID={zone.key}:{starts:%Y%m%dT%H%M%S}",
        f"DURATION:PT{meeting.minutes}M",
        f"SUMMARY:{_text(title)}",
        f"STATUS:{'CANCELLED' if off else 'CONFIRMED'}",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{piece}\r\n" for line in lines for piece in _folded(line)).encode("utf-8")


def _text(words: str) -> str:
    for sign in "\\;,":
        words = words.replace(sign, f"\\{sign}")
    return words.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Cut a line where it has too many octets, never inside a letter; what goes on begins with a space."""
    piece = ""
    for letter in line:
        if len((piece + letter).encode()) > _LINE:
            yield piece
            piece = " "
        piece += letter
    yield piece


def _zone_lines(zone: ZoneInfo, around: datetime) -> list[str]:
    """Return the zone's description: how its clocks stand at a moment, and what they change to within a year."""
    changes = _changes(zone, around - timedelta(days=366), around + timedelta(days=366))
    before = [change for change in changes if change <= around]
    after = [change for change in changes if change > around]
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}"]
    for onset in [*before[-1:], *after[:1]]:
        lines += _observance(zone, onset, (onset - timedelta(seconds=1)).astimezone(zone).utcoffset())
    if not before:
        begins = datetime(1970, 1, 1, tzinfo=UTC)
        lines += _observance(zone, around, around.astimezone(zone).utcoffset(), begins)
    return [*lines, "END:VTIMEZONE"]


def _observance(
    zone: ZoneInfo, moment: datetime, former: timedelta | None, onset: datetime | None = None
) -> list[str]:  # fmt: skip
    here = moment.astimezone(zone)
    kind = "DAYLIGHT" if here.dst() else "STANDARD"
    # The onset is told by the clock that ends there.
    wall = (onset or moment).astimezone(UTC) + (former or timedelta())
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{wall:%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{_offset(former)}",
        f"TZOFFSETTO:{_offset(here.utcoffset())}",
        f"TZNAME:{here.tzname()}",
        f"END:{kind}",
    ]


def _offset(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Return when a zone's clocks change between two moments, to the second."""
    found, day = [], start.replace(microsecond=0)
    while day < end:
        following = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            low, high = day, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high)
        day = following
    return found
