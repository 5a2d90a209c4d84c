"""The data colours, for the light and the dark theme: the only place where they are written.

Teal is positive, class 1 and "ours"; orange is negative and class 0. Further classes follow in a fixed order,
chosen so that any two of the first ten differ by at least 16 (CIE76) for normal sight and for simulated
protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes, 2009). Text, grid and page are not
data: their colours come from the page's theme, in the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]
Stops = list[list[float | str]]


@dataclass(frozen=True)
class Palette:
    """Every colour that a figure may use, as #rrggbb."""

    positive: str
    """teal: class 1, positive values, the test curve"""
    negative: str
    """orange: class 0, negative values, the validation curve"""
    classes: tuple[str, ...]
    """colour of class k at position k; longer lists of classes start again"""
    background: str
    """what areas fade into; the page's background"""
    area_negative: str
    """a whole area of class 0, quiet enough for points to stand on"""
    area_positive: str
    """the same of class 1"""
    area_middle: str
    """an area where the network cannot decide"""
    area_strength: float
    """share of the class colour in an area of a third or later class"""
    surface: tuple[str, ...]
    """diverging scale of continuous values, from low to high"""
    ramp_low: str
    """the low end of the scale of counts"""
    ramp_high: str
    """the high end of the scale of counts"""
    raw: str
    """the raw curve under a smoothed one, points of the training part"""
    trend: str
    """the smoothed training curve"""
    origin: str
    """the curve of the run that a fork comes from"""
    rule: str
    """reference lines: zero, the diagonal"""
    outline: str
    """the thin ring that separates a point from what lies under it"""
    ink: str
    """dark text upon coloured cells"""
    paper: str
    """light text upon coloured cells; pure, so that the better one always has a contrast above 4.5"""


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        positive="#0f766e",
        negative="#c2410c",
        classes=(
            "#c2410c",
            "#0f766e",
            "#4f7fe8",
            "#e0a100",
            "#6d18ec",
            "#99b86b",
            "#c194cc",
            "#130647",
            "#470606",
            "#6a4186",
            "#873622",
            "#341934",
        ),
        background="#fbfbf9",
        area_negative="#f2b48f",
        area_positive="#8fcdc4",
        area_middle="#fbfbf9",
        area_strength=0.45,
        surface=("#d9784c", "#f2bd9f", "#f7f6f2", "#9dd3ca", "#3f9f94"),
        ramp_low="#eef2ef",
        ramp_high="#0f766e",
        raw="#b9beb8",
        trend="#525a57",
        origin="#4f7fe8",
        rule="#9aa19d",
        outline="#ffffff",
        ink="#000000",
        paper="#ffffff",
    ),
    "dark": Palette(
        positive="#2dd4bf",
        negative="#fb923c",
        classes=(
            "#fb923c",
            "#2dd4bf",
            "#6d8dfa",
            "#f7dc6f",
            "#d41186",
            "#d8fac2",
            "#7150f1",
            "#866a41",
            "#9494cc",
            "#80c280",
            "#9c620d",
            "#d8c2fa",
        ),
        background="#101615",
        area_negative="#5d3419",
        area_positive="#15504a",
        area_middle="#161d1c",
        area_strength=0.32,
        surface=("#b0622a", "#673a1e", "#1b2322", "#1a504a", "#238b7f"),
        ramp_low="#1b2423",
        ramp_high="#24a399",
        raw="#66716d",
        trend="#b4beba",
        origin="#6d8dfa",
        rule="#65706c",
        outline="#0b100f",
        ink="#000000",
        paper="#ffffff",
    ),
}


def palette(theme: Theme) -> Palette:
    """The colours of a theme; ValueError for another name."""
    if theme not in PALETTES:
        raise ValueError(f"The 'theme' parameter must be one of {sorted(PALETTES)}. Got {theme!r} instead.")
    return PALETTES[theme]


def class_colour(index: int, theme: Theme) -> str:
    """The colour of class `index`; two classes share one only when there are more than twelve."""
    colours = palette(theme).classes
    return colours[index % len(colours)]


def class_area(index: int, theme: Theme) -> str:
    """The quiet colour of a whole area of class `index`."""
    colours = palette(theme)
    known = (colours.area_negative, colours.area_positive)
    if index % len(colours.classes) < len(known):
        return known[index % len(colours.classes)]
    return mix(class_colour(index, theme), colours.background, colours.area_strength)


def boundary_stops(theme: Theme) -> Stops:
    """Plotly colour scale of P(class 1): orange, undecided, teal."""
    colours = palette(theme)
    return stops((colours.area_negative, colours.area_middle, colours.area_positive))


def stops(colours: tuple[str, ...]) -> Stops:
    """A Plotly colour scale with these colours at equal distances."""
    return [[index / (len(colours) - 1), colour] for index, colour in enumerate(colours)]


def mix(colour: str, other: str, share: float) -> str:
    """`share` (0 to 1) of `colour`, the rest of `other`, channel by channel."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def faded(colour: str, opacity: float) -> str:
    """The colour as Plotly takes it, with an opacity from 0 to 1."""
    return f"rgba({', '.join(map(str, _channels(colour)))}, {opacity})"


def contrast(colour: str, other: str) -> float:
    """Contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted((_luminance(colour), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(colour: str, theme: Theme) -> str:
    """The more readable of the theme's dark and light text upon `colour`."""
    colours = palette(theme)
    return max(colours.ink, colours.paper, key=lambda text: contrast(text, colour))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
