"""Draws plots as SVG: lines over a logarithmic axis, and bars. Uses no library, and no script in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 48, 56
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


def growth(title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw lines over numbers of messages, the x axis by powers of ten, the y axis from 0."""
    xs = [x for points in series.values() for x, _ in points]
    most = max((y for points in series.values() for _, y in points), default=1.0)
    top = _round_up(most)
    low, high = math.log10(min(xs)), math.log10(max(xs))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low) / max(high - low, 1e-9)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = _frame(title)
    for step in range(5):
        value = top * step / 4
        _, y = at(min(xs), value)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#d0d7de"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:g}", anchor="end"))
    for x in sorted(set(xs)):
        place, _ = at(x, 0)
        parts.append(_text(place, HEIGHT - BOTTOM + 20, _number(x)))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "messages in the ledger"))
    parts.append(_text(LEFT - 8, TOP - 10, unit, anchor="end"))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in points:
            x, y = at(*point)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        parts.append(_legend(number, name, colour))
    return _whole(parts)


def bars(title: str, unit: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str]) -> str:
    """Draw groups of horizontal bars, one group a row."""
    most = _round_up(max(value for _, values in rows for value in values))
    label = 150
    height = TOP + 24 + len(rows) * (len(names) * 16 + 14)
    parts = _frame(title, height)
    y = float(TOP + 14)
    for name, values in rows:
        parts.append(_text(label - 8, y + len(names) * 8 + 3, name, anchor="end"))
        for number, value in enumerate(values):
            width = value / most * (WIDTH - label - 90)
            colour = COLOURS[number % len(COLOURS)]
            parts.append(f'<rect x="{label}" y="{y:.1f}" width="{width:.1f}" height="13" fill="{colour}"/>')
            parts.append(_text(label + width + 6, y + 11, f"{value:.3g} {unit}", anchor="start"))
            y += 16
        y += 14
    for number, name in enumerate(names):
        parts.append(_legend(number, name, COLOURS[number % len(COLOURS)]))
    return _whole(parts, height)


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.5, 2, 3, 4, 5, 8, 10) if unit * step >= value)


def _number(value: float) -> str:
    for size, name in ((1_000_000, " M"), (1_000, " k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def _frame(title: str, height: int = HEIGHT) -> list[str]:
    return [
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold" fill="#1f2328">{escape(title)}</text>',
    ]


def _legend(number: int, name: str, colour: str) -> str:
    x = LEFT + 8 + number * 150
    return f'<rect x="{x}" y="30" width="10" height="10" fill="{colour}"/>' + _text(
        x + 15, 39, name, anchor="start"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}" fill="#1f2328">'
        f"{escape(text)}</text>"
    )


def _whole(parts: Sequence[str], height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif">' + "".join(parts) + "</svg>\n"
    )
