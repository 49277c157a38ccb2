"""The pictures of docs/scale.md: plain SVG with a title and a description, readable without colour."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from benchmarks.evening import EVENING_S, MINUTE, Evening

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 50, 60
STYLES = (("#174f86", "none"), ("#9c3d00", "8 4"), ("#1c6b3c", "2 4"))


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d" '
        'font-family="sans-serif" font-size="14">'
    )
    about = f'<title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>'
    return "\n".join([head, about, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', *parts, "</svg>\n"])


def _text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222222"{more}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#bbbbbb") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str, dash: str) -> str:
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>'


def _spread(wanted: Sequence[float], apart: float = 18) -> list[float]:
    """Return heights for labels near these that do not lie on each other, in the same order."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    found = list(wanted)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + apart)
    too_low = max(0.0, max(found) - (HEIGHT - BOTTOM - 4))
    return [height - too_low for height in found]


def workers_picture(waits: Mapping[str, Sequence[tuple[int, float]]], target_s: float) -> str:
    """Draw p95 over the number of workers, both by powers, a line a size."""
    counts = [count for count, _ in next(iter(waits.values()))]
    low, high = 1.0, max(10_000.0, *(wait for line in waits.values() for _, wait in line))

    def x(count: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(count / counts[0]) / math.log(counts[-1] / counts[0])

    def y(wait: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(max(wait, low) / low) / math.log(high / low)

    parts = [_text(LEFT, 28, "The longest wait of 95 in 100, on a deadline evening", "start", ' font-weight="bold"')]
    for mark, words in ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h")):
        parts += [_line(LEFT, y(mark), WIDTH - RIGHT, y(mark)), _text(LEFT - 8, y(mark) + 5, words, "end")]
    parts.append(_line(LEFT, y(target_s), WIDTH - RIGHT, y(target_s), "#222222"))
    for count in counts:
        parts.append(_text(x(count), HEIGHT - BOTTOM + 20, str(count)))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "workers, a core each"))
    heights = _spread([y(line[-1][1]) + 5 for line in waits.values()])
    for (name, line), (colour, dash), height in zip(waits.items(), STYLES, heights, strict=True):
        parts.append(_path([(x(count), y(wait)) for count, wait in line], colour, dash))
        parts.append(_text(WIDTH - RIGHT + 8, height, name, "start", f' style="fill:{colour}"'))
    said = "; ".join(
        f"{name}: " + ", ".join(f"{count} workers {wait:.0f} s" for count, wait in line[:6])
        for name, line in waits.items()
    )
    return _svg("The wait by the number of workers", f"95 of 100 wait less than this. {said}.", parts)


def evening_picture(in_minute: Mapping[int, int], evening: Evening) -> str:
    """Draw the last hour: what comes a minute as bars, how many wait for an answer as a line."""
    first, last = int(EVENING_S // MINUTE) - 60, int(EVENING_S // MINUTE) + 15
    waiting = dict.fromkeys(range(first, last), 0)
    for moment, count in evening.waiting:
        minute = int(moment // MINUTE)
        if minute in waiting:
            waiting[minute] = max(waiting[minute], count)
    most = max(*(in_minute.get(minute, 0) for minute in waiting), *waiting.values(), 1)
    top = 4 * math.ceil(most / 4)
    step = (WIDTH - LEFT - 30) / len(waiting)

    def y(count: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * count / top

    parts = [_text(LEFT, 28, "600 fellows, the last hour before the deadline", "start", ' font-weight="bold"')]
    for part in range(5):
        count = top * part / 4
        parts += [_line(LEFT, y(count), WIDTH - 30, y(count)), _text(LEFT - 8, y(count) + 5, f"{count:.0f}", "end")]
    for place, minute in enumerate(waiting):
        height = HEIGHT - BOTTOM - y(in_minute.get(minute, 0))
        at = LEFT + step * place
        size = f'width="{step * 0.8:.1f}" height="{height:.1f}"'
        parts.append(f'<rect x="{at:.1f}" y="{HEIGHT - BOTTOM - height:.1f}" {size} fill="#8fb4d9"/>')
    points = [(LEFT + step * (place + 0.4), y(count)) for place, count in enumerate(waiting.values())]
    parts.append(_path(points, "#9c3d00", "none"))
    for minutes in (-60, -45, -30, -15, 0, 15):
        at = LEFT + step * (minutes + 60)
        parts.append(_text(at, HEIGHT - BOTTOM + 20, "deadline" if minutes == 0 else f"{minutes:+d} min"))
    words = "bars: submissions a minute; line: the most that wait for an answer in that minute"
    parts.append(_text((LEFT + WIDTH - 30) / 2, HEIGHT - 14, words))
    most, busiest = max(waiting.values()), max(in_minute.get(minute, 0) for minute in waiting)
    said = f"Submissions a minute rise to {busiest} at the deadline; at most {most} wait for an answer at one time."
    return _svg("A deadline evening of 600 fellows", said, parts)
