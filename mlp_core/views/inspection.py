"""Figures of the Inspect page: matrices, hidden space, and what was seen of every layer along a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlp_core import figures
from mlp_core.figures import Figure, readable
from mlp_core.views.moments import LINES, SPREADS, Moments
from mlp_core.views.space import NEURONS
from mlp_core.views.view import Options, Source

GUIDES = {"update_size": 1e-3}
"""Values of lines that are healthy for most networks."""

PRESS = "Press Compute UMAP, and the samples appear here."
"""What is said where UMAP is chosen and was not computed yet."""

Draw = Callable[[Source, Options], Figure | None]
Say = Callable[[Source, Options], str]


# One layer as it is


def _computed(source: Source, view: str, argument: str) -> Mapping[str, Any] | None:
    return source.view(f"{view}@{argument}" if argument else view)


def matrix(view: str, unit: str, *, rows: str, columns: str, lacks: str) -> tuple[Draw, Say]:
    """Figure and words of a view that computes a matrix of the chosen layer; `lacks` says what some layers have not."""

    def figure(source: Source, options: Options) -> Figure | None:
        found = _computed(source, view, options.layer)
        if found is None or (found["values"] is None and found["weights"]):
            return None
        if found["values"] is None:
            return figures.empty(f"{found['layer']} {lacks}", theme=options.theme)
        return figures.matrix(
            found["values"], rows=rows, columns=columns, unit_label=unit, bias=found.get("bias"),
            column_names=found.get("inputs", ()), row_groups=found.get("groups", ()), theme=options.theme,
            uirevision=f"{view}-{source.run}-{found['layer']}",
        )  # fmt: skip

    def alt(source: Source, options: Options) -> str:
        found = _computed(source, view, options.layer)
        assert found is not None
        if found["values"] is None:
            return figures.empty_alt(f"{found['layer']} {lacks}")
        return figures.matrix_alt(found["values"], name=found["layer"], unit_label=unit)

    return figure, alt


def weight_images(source: Source, options: Options) -> Figure | None:
    """Weights of the first layer as images; None before they were computed, and where they are no images."""
    found = _computed(source, "weight_images", first_image(options))
    if not found:
        return None
    return figures.weight_images(
        found["images"], _numbers(found), theme=options.theme, uirevision=f"weight-images-{source.run}"
    )


def weight_images_alt(source: Source, options: Options) -> str:
    """The same in words."""
    found = _computed(source, "weight_images", first_image(options))
    assert found
    return figures.weight_images_alt(found["images"], _numbers(found))


def first_image(options: Options) -> str:
    """The first neuron whose weights are shown as an image, as a text."""
    return str(options.first_image) if options.first_image else ""


def _numbers(found: Mapping[str, Any]) -> list[int]:
    return list(range(found["first"], found["first"] + len(found["images"])))


def hidden_space(source: Source, options: Options) -> Figure | None:
    """The data as the chosen layer sees it; None before it was computed."""
    found = _computed(source, "hidden_space", options.space.write())
    if found is None or source.dataset is None:
        return None
    if found["points"] is None:
        return figures.empty(PRESS, theme=options.theme)
    facts = source.dataset.facts
    return figures.hidden_space(
        found["points"], found["targets"], wrong=found["wrong"], class_names=facts.class_names, axes=_axes(found),
        wrong_label="predicted wrong" if facts.classifies else "largest errors", unit=facts.target_unit,
        theme=options.theme, uirevision=f"hidden-{source.run}-{options.space.write()}",
    )  # fmt: skip


def hidden_space_alt(source: Source, options: Options) -> str:
    """The same in words."""
    found = _computed(source, "hidden_space", options.space.write())
    assert found is not None
    assert source.dataset is not None
    if found["points"] is None:
        return figures.empty_alt(PRESS)
    return figures.hidden_space_alt(
        found["points"], found["targets"], wrong=found["wrong"], class_names=source.dataset.facts.class_names,
        layer=found["layer"],
    )  # fmt: skip


def _axes(found: Mapping[str, Any]) -> tuple[str, str]:
    axes = found["axes"]
    if axes is None:
        return "UMAP 1", "UMAP 2"
    if found["method"] == NEURONS:
        return f"neuron {axes[0]}", f"neuron {axes[1]}"
    return figures.component_axes(axes)


# Parameters

PARAMETER_COLUMNS = (
    ("index", "Its place in list(model.parameters())."),
    ("name", "Its name in model.named_parameters()."),
    ("shape", "Its size along each dimension: a weight has a row for each neuron."),
    ("numel", "How many numbers it holds."),
    ("dtype", "What each number is."),
    ("requires_grad", "Whether autograd computes its gradient. A frozen one has none."),
    ("is_leaf", "Whether it is a leaf of the autograd graph: made by the user, not by an operation."),
    ("grad norm", "The Euclidean norm of its gradient, from the last step."),
    ("first values", "Its first numbers, row by row."),
)
"""Columns of the table of parameters, each with how to read it."""


def parameters(source: Source, options: Options) -> dict[str, Any] | None:
    """'columns' and 'rows' of every parameter, as `pages` draw tables; None before there is a network."""
    found = source.view("parameters")
    if found is None:
        return None
    return {"columns": list(PARAMETER_COLUMNS), "rows": [_cells(index, row) for index, row in enumerate(found["rows"])]}


def parameters_alt(source: Source, options: Options) -> str:
    """Names and shapes in words."""
    found = source.view("parameters")
    assert found is not None
    return "; ".join(f"{row['name']} {_shape(row)}" for row in found["rows"])


def _cells(index: int, row: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    first = ", ".join(map(readable, row["first"])) + (", …" if row["numel"] > len(row["first"]) else "")
    norm, untrained = row["grad_norm"], "There is none before the first step."
    return [
        (str(index), "", ""),
        (row["name"], "", ""),
        (_shape(row), "", ""),
        (f"{row['numel']:,}", "", ""),
        (row["dtype"], "", ""),
        (str(row["requires_grad"]), "", ""),
        (str(row["is_leaf"]), "", ""),
        ("–", "", untrained) if norm is None else (readable(norm), "", ""),
        (first, "", ""),
    ]


def _shape(row: Mapping[str, Any]) -> str:
    return "×".join(f"{size:,}" for size in row["shape"]) or "1"


# Every layer along the run


def moments_of(source: Source) -> object:
    """What views along the run are drawn from: the record, or the whole source while an earlier step is shown."""
    found = source.moments
    return source if found is not None and found.kept and source.step < found.kept[-1].step else found


def spread(name: str, drawn: Callable[..., Figure], said: Callable[..., str]) -> tuple[Draw, Say]:
    """Figure and words of how something in `SPREADS` developed in the chosen layer."""
    unit = SPREADS[name].unit

    def figure(source: Source, options: Options) -> Figure | None:
        found = source.moments
        if found is None or not found.kept:
            return None
        place = found.place(name, options.layer)
        if place is None:
            return None
        edges, shares = found.evened(name, place)
        revision = f"{drawn.__name__}-{name}-{source.run}-{found.names[place]}"
        return drawn(
            found.steps, edges, shares, unit_label=unit, chosen=chosen_moment(found, options, source.step),
            theme=options.theme, uirevision=revision,
        )  # fmt: skip

    def alt(source: Source, options: Options) -> str:
        found = source.moments
        assert found is not None
        place = found.place(name, options.layer)
        assert place is not None
        edges, shares = found.evened(name, place)
        words = said(found.steps, edges, shares, unit_label=unit, chosen=chosen_moment(found, options, source.step))
        return f"{found.labels[place]}. {words}"

    return figure, alt


def lines(name: str) -> tuple[Draw, Say]:
    """Figure and words of how something in `LINES` developed in every layer that has it."""

    def figure(source: Source, options: Options) -> Figure | None:
        found = source.moments
        if found is None or not len(drawn := _line_layers(found, name)):
            return None
        return figures.layer_lines(
            found.steps, _line_values(found, name)[:, drawn], [found.labels[place] for place in drawn],
            unit_label=LINES[name], guide=GUIDES.get(name), theme=options.theme, uirevision=f"{name}-{source.run}",
        )  # fmt: skip

    def alt(source: Source, options: Options) -> str:
        found = source.moments
        assert found is not None
        drawn = _line_layers(found, name)
        labels = [found.labels[place] for place in drawn]
        return figures.layer_lines_alt(
            found.steps, _line_values(found, name)[:, drawn], labels, unit_label=LINES[name]
        )

    return figure, alt


def _line_values(found: Moments, name: str) -> np.ndarray:
    return np.array([moment.lines[name] for moment in found.kept])


def _line_layers(found: Moments, name: str) -> np.ndarray:
    """The places of the layers that have such a figure."""
    if not found.kept:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.isfinite(_line_values(found, name)).any(axis=0))


def chosen_moment(found: Moments, options: Options, shown: int) -> int:
    """The place of the moment nearest to where a reader looks, from 0, the start of the run, to 1, the step shown."""
    steps = found.steps
    return int(np.argmin(np.abs(steps - (steps[0] + options.moment * (min(shown, steps[-1]) - steps[0])))))
