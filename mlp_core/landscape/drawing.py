"""A landscape as figures: what the page and the command line draw of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlp_core import figures
from mlp_core.figures import Figure, Theme, Way
from mlp_core.landscape.landscape import Landscape

CONTOUR, SURFACE = "Contour lines", "Surface"
FORMS: dict[str, Callable[..., Figure]] = {CONTOUR: figures.loss_contour, SURFACE: figures.loss_surface}
"""The forms in which it can be drawn."""
DECADE = 10.0
"""From how many times the lowest loss on the highest one calls for a logarithmic scale."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """One figure."""

    figure: Figure
    """What Plotly draws."""
    alt: str
    """The same in words."""


def wants_log(found: Landscape, *, penalised: bool = False) -> bool | None:
    """Whether a logarithmic scale shows more; None where there can be none, as some loss is not above 0."""
    losses = [found.loss(part, penalised=penalised) for part in found.losses]
    low, high = figures.loss_range(*losses)
    return high > DECADE * low if all(map(figures.can_be_logarithmic, losses)) else None


def axis_names(found: Landscape) -> tuple[str, str]:
    """What the axes are called."""
    if found.explained is None:
        return "first direction", "second direction"
    first, second = (figures.percent(share, 2) for share in found.explained)
    return f"first component ({first})", f"second component ({second})"


def way_of(found: Landscape, part: str) -> Way | None:
    """The path on the plane, with the losses of a part; None without one."""
    return Way(found.path, found.path_steps, found.path_losses[part]) if found.path_steps else None


def drawing(
    found: Landscape, part: str, form: str, *, log: bool, penalised: bool = False, theme: Theme = "light"
) -> Drawing:
    """The landscape of a part in a form, on a scale that all parts share."""
    limits = figures.loss_range(*(found.loss(each, penalised=penalised) for each in found.losses))
    losses, names, way = found.loss(part, penalised=penalised), axis_names(found), way_of(found, part)
    figure = FORMS[form](
        found.x, found.y, losses, names=names, limits=limits, log=log, way=way, step=found.step, theme=theme,
        uirevision=f"{form}-{found.spec.directions}",
    )  # fmt: skip
    alt = figures.loss_landscape_alt(found.x, found.y, losses, names=names, way=way, step=found.step)
    return Drawing(figure, alt)


def drawings(found: Landscape, part: str) -> list[Drawing]:
    """The landscape of a part in every form."""
    return [drawing(found, part, form, log=bool(wants_log(found))) for form in FORMS]
