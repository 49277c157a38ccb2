from datetime import date, timedelta

import pytest

from passerelle.model.working_days import easter, is_working_day, working_day_after


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(1961, date(1961, 4, 2)), (2000, date(2000, 4, 23)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))],
)
def test_easter_is_where_the_calendar_has_it(year: int, sunday: date) -> None:
    assert easter(year) == sunday


def test_the_public_holidays_of_a_year_are_the_eleven_of_the_labour_code() -> None:
    # 2026: those that fall on a weekday, from service-public.fr.
    weekdays = ["01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "11-11", "12-25"]
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]

    found = [day.strftime("%m-%d") for day in days if day.weekday() < 5 and not is_working_day(day)]

    assert found == weekdays


@pytest.mark.parametrize(
    ("day", "second"),
    [
        pytest.param(date(2026, 11, 24), date(2026, 11, 26), id="tuesday-to-thursday"),
        pytest.param(date(2026, 11, 27), date(2026, 12, 1), id="friday-over-the-weekend"),
        pytest.param(date(2026, 11, 28), date(2026, 12, 1), id="saturday-counts-from-monday"),
        pytest.param(date(2026, 12, 24), date(2026, 12, 29), id="over-christmas"),
        pytest.param(date(2026, 5, 13), date(2026, 5, 18), id="over-ascension"),
    ],
)
def test_the_second_working_day_after(day: date, second: date) -> None:
    assert working_day_after(day, 2) == second
