from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from passerelle.model.dates import end_of_day, last_day, parse_day, start_of_day, weeks_after, weeks_between

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize("text", ["2026-11-29", "29/11/2026", "29.11.2026", " 2026-11-29 "])
def test_a_day_is_read_as_people_and_spreadsheets_write_it(text: str) -> None:
    assert parse_day(text) == date(2026, 11, 29)


@pytest.mark.parametrize("text", ["", "29/11", "11/29/2026", "2026-02-30", "tomorrow", "29/11/26"])
def test_what_is_no_day_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"day|month"):
        parse_day(text)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 10, 24), 24, id="ordinary"),
        pytest.param(date(2026, 10, 25), 25, id="the-clocks-go-back"),
        pytest.param(date(2027, 3, 28), 23, id="the-clocks-go-forward"),
    ],
)
def test_a_day_has_the_hours_of_the_wall(day: date, hours: int) -> None:
    assert end_of_day(day, PARIS) - start_of_day(day, PARIS) == timedelta(hours=hours)
    assert last_day(end_of_day(day, PARIS), PARIS) == day
    assert start_of_day(day, PARIS).tzinfo is UTC


def test_weeks_keep_the_hour_over_a_change_of_the_clocks() -> None:
    start = datetime(2026, 10, 19, 7, 0, tzinfo=UTC)  # 9 o'clock in Paris

    later = weeks_after(start, 1, PARIS)

    assert later.astimezone(PARIS).hour == 9
    assert later - start == timedelta(hours=169)
    assert [weeks_between(start, later + one, PARIS) for one in (timedelta(seconds=-1), timedelta(0))] == [0, 1]
    assert weeks_between(later, start, PARIS) == -1
