"""Working days in France: Monday to Friday, the eleven public holidays left out (Code du travail, L3133-1)."""

from datetime import date, timedelta

_FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER_DAYS = (1, 39, 50)  # Easter Monday, Ascension, Pentecost Monday


def easter(year: int) -> date:
    """Return Easter Sunday of a year of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    ell = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * ell) // 433
    month = (h + ell - 7 * m + 90) // 25
    return date(year, month, (h + ell - 7 * m + 33 * month + 19) % 32)


def is_working_day(day: date) -> bool:
    """Tell whether people work on a day."""
    holidays = {easter(day.year) + timedelta(days=after) for after in _AFTER_EASTER_DAYS}
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED and day not in holidays


def working_day_after(day: date, count: int) -> date:
    """Return the working day that is `count` working days after a day (which need not be one)."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
