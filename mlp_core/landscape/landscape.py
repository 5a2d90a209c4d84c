"""The loss landscape of a run: the losses over a plane, what of the data they are of, and the path on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlp_core.catalog.landscape import LANDSCAPE, PATH
from mlp_core.data.dataset import Dataset
from mlp_core.data.parts import PARTS
from mlp_core.errors import DataError
from mlp_core.export.state import load_into
from mlp_core.export.weights import Weights
from mlp_core.landscape.directions import Moment, Plane, path_plane, random_plane
from mlp_core.landscape.losses import PlaneLosses
from mlp_core.run.build import Run, build
from mlp_core.run.objective import penalty

FEWEST_MOMENTS = 3
"""Moments of a path at least: two lie on a line whatever the run does."""

Work = Generator[float, None, "Landscape"]
"""A landscape in slices: the share of the work that is done, again and again, and at the end the landscape."""


@dataclass(frozen=True)
class LandscapeSpec:
    """How the landscape is cut out: the parameters of `mlp_core.catalog.landscape`, checked, and the parts."""

    directions: str = LANDSCAPE.parameter("directions").default
    """'random' or 'path'."""
    span: float = LANDSCAPE.parameter("span").default
    """How far the plane reaches, in lengths of a random direction or of the path."""
    size: int = LANDSCAPE.parameter("size").default
    """Points along each direction."""
    samples: int = LANDSCAPE.parameter("samples").default
    """The most samples of a part that are used."""
    seed: int = LANDSCAPE.parameter("seed").default
    """What directions and samples are drawn from."""
    parts: tuple[str, ...] = ("train", "test")
    """The parts of the data: keys of `mlp_core.data.parts.PARTS`."""

    def __post_init__(self) -> None:
        """Raises `SpecError` for a value outside its rule."""
        names = [parameter.name for parameter in LANDSCAPE.parameters]
        for name, value in LANDSCAPE.fill({name: getattr(self, name) for name in names}, "the loss landscape").items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss over a plane through the weights of one moment. Arrays are float, their rows along the second axis."""

    spec: LandscapeSpec
    """How it was cut out."""
    step: int
    """Mini-batches done at that moment."""
    x: NDArray[np.float64]
    """Coordinates (size,) along the first direction; the weights themselves are at 0."""
    y: NDArray[np.float64]
    """The same along the second."""
    losses: Mapping[str, NDArray[np.float32]]
    """For each part the mean loss (size, size), without penalties on weights."""
    penalties: NDArray[np.float32] | None
    """What penalties on weights add to the loss that training makes small (size, size); None without such."""
    samples: Mapping[str, tuple[int, int]]
    """For each part the samples that were used, and those that it has."""
    cosine: float
    """The cosine of the angle between both directions."""
    explained: tuple[float, float] | None
    """The shares of the path's variance that lie along each direction; None for random ones."""
    path: NDArray[np.float64]
    """Where the moments of the path lie on the plane (T, 2); (0, 2) without one."""
    path_steps: tuple[int, ...]
    """Mini-batches done at each."""
    path_losses: Mapping[str, NDArray[np.float32]]
    """For each part the loss (T,) with the weights of each moment themselves, which may lie beside the plane."""
    notes: tuple[str, ...] = field(default=())
    """Sentences on what the losses are of."""

    @property
    def centre(self) -> tuple[int, int]:
        """Row and column of the weights as they are."""
        return int(np.argmin(np.abs(self.y))), int(np.argmin(np.abs(self.x)))

    def loss(self, part: str, *, penalised: bool = False) -> NDArray[np.float32]:
        """The losses of a part, with the penalties on weights where wanted."""
        found = self.losses[part]
        return found + self.penalties if penalised and self.penalties is not None else found

    def as_dict(self) -> dict[str, Any]:
        """The landscape as plain values for JSON; a loss that is no finite number is None."""
        return {
            "directions": self.spec.directions,
            "span": self.spec.span,
            "size": self.spec.size,
            "seed": self.spec.seed,
            "step": self.step,
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "centre": list(self.centre),
            "cosine": self.cosine,
            "explained": None if self.explained is None else list(self.explained),
            "parts": {
                part: {
                    "samples": self.samples[part][0],
                    "of": self.samples[part][1],
                    "loss": _finite(float(losses[self.centre])),
                    "losses": [[_finite(float(value)) for value in row] for row in losses],
                    "path_losses": [_finite(float(value)) for value in self.path_losses.get(part, ())],
                }
                for part, losses in self.losses.items()
            },
            "penalties": None if self.penalties is None else self.penalties.tolist(),
            "path": [
                {"step": step, "x": x, "y": y} for step, (x, y) in zip(self.path_steps, self.path.tolist(), strict=True)
            ],
            "notes": list(self.notes),
        }


def loss_landscape(
    run: Run, spec: LandscapeSpec | None = None, path: Sequence[Moment] = (),
    progress: Callable[[float], None] = lambda share: None,
) -> Landscape:  # fmt: skip
    """All of `landscape` at once; `progress` is told the share of the work that is done."""
    work = landscape(run, spec or LandscapeSpec(), path)
    while True:
        try:
            progress(next(work))
        except StopIteration as end:
            found: Landscape = end.value
            return found


def landscape_of(weights: Weights, dataset: Dataset, spec: LandscapeSpec, path: Sequence[Moment] = ()) -> Work:
    """The landscape around weights that were taken from a run, on the data of that run; see `landscape`."""
    run = build(weights.experiment, dataset)
    load_into(run, weights.tensors)
    run.position.step = weights.step or 0
    return (yield from landscape(run, spec, path))


def landscape(run: Run, spec: LandscapeSpec, path: Sequence[Moment] = ()) -> Work:
    """The landscape around the weights of a run as they are when the work begins; the run may go on meanwhile.

    `path` are moments of the run's past, the oldest first; the weights as they are belong to it too. Raises `DataError`
    for a part that the data has not, and where there is no such plane.
    """
    _check(run, spec, path)
    names = [name for name, _ in run.model.named_parameters()]
    weights = [parameter.detach().clone() for parameter in run.model.parameters()]
    step = run.position.step
    moments = [moment for moment in path if (moment.step or 0) < step] if spec.directions == PATH else []
    if spec.directions == PATH:
        line = [[moment.tensors[name].to(run.device) for name in names] for moment in moments]
        plane = path_plane(weights, [*line, weights], span=spec.span, size=spec.size, seed=spec.seed)
        del line
    else:
        plane = random_plane(weights, span=spec.span, size=spec.size, seed=spec.seed)
    losses = PlaneLosses(run, plane.directions)
    points = torch.tensor(np.stack(np.meshgrid(plane.x, plane.y), axis=-1).reshape(-1, 2))
    yield 0.0
    found, own, used = {}, {}, {}
    for done, part in enumerate(spec.parts):
        inputs, targets = run.part(part)  # type: ignore[arg-type]  # checked above
        places = chosen_samples(len(inputs), spec)
        x, y = (inputs, targets) if places is None else (inputs[places], targets[places])
        used[part] = len(x), len(inputs)
        grid = yield from _scaled(losses.at(points, x, y), done / len(spec.parts), 1 / len(spec.parts))
        found[part] = grid.reshape(spec.size, spec.size).numpy()
        if spec.directions == PATH:
            values = []
            for moment in moments:
                values.append(float((yield from _held(losses.of(moment.tensors, x, y), (done + 1) / len(spec.parts)))))
            at = np.argmin(np.abs(plane.y)), np.argmin(np.abs(plane.x))
            own[part] = np.array([*values, found[part][at]], dtype=np.float32)
    penalties = None
    if run.experiment.training.penalized:
        penalties = yield from _penalties(run, weights, plane, points)
    return Landscape(
        spec=spec,
        step=step,
        x=plane.x,
        y=plane.y,
        losses=found,
        penalties=penalties,
        samples=used,
        cosine=plane.cosine,
        explained=plane.explained,
        path=plane.path,
        path_steps=(*(moment.step or 0 for moment in moments), step) if spec.directions == PATH else (),
        path_losses=own,
        notes=_notes(run, used),
    )


def chosen_samples(count: int, spec: LandscapeSpec) -> NDArray[np.int64] | None:
    """The places of the samples of a part that are used, in their order; None for all."""
    if count <= spec.samples:
        return None
    drawn: NDArray[np.int64] = np.random.default_rng(spec.seed).choice(count, spec.samples, replace=False)
    return np.sort(drawn)


def _check(run: Run, spec: LandscapeSpec, path: Sequence[Moment]) -> None:
    for part in spec.parts:
        if part not in PARTS or not PARTS[part].exists(run.dataset):
            has = ", ".join(name for name, known in PARTS.items() if known.exists(run.dataset))
            raise DataError(f"The data of this run has no {part} part. Choose one of: {has}.")
    if not spec.parts:
        raise DataError("No part of the data is chosen. Choose the training part, the test part, or both.")
    if any(not bool(torch.isfinite(parameter).all()) for parameter in run.model.parameters()):
        raise DataError(
            "The weights hold numbers that are NaN or infinite, so there is no loss around them. Go back to the best "
            "weights, or reset the run."
        )
    steps = {moment.step or 0 for moment in path if (moment.step or 0) < run.position.step} | {run.position.step}
    if spec.directions == PATH and len(steps) < FEWEST_MOMENTS:
        raise DataError(
            f"A plane along the path needs the weights of at least {FEWEST_MOMENTS} moments of the run. "
            f"Got {len(steps)} instead. Train on, or choose random directions."
        )


def _scaled(work: Generator[float, None, Tensor], begins: float, share: float) -> Generator[float, None, Tensor]:
    """Work as a share of a larger one, which it begins when so much of that is done."""
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            found: Tensor = end.value
            return found
        yield begins + share * done


def _held(work: Generator[float, None, Tensor], done: float) -> Generator[float, None, Tensor]:
    """Work that counts for nothing in the share that is done."""
    return (yield from _scaled(work, done, 0.0))


def _penalties(
    run: Run, weights: Sequence[Tensor], plane: Plane, points: Tensor
) -> Generator[float, None, NDArray[np.float32]]:
    matrices = [
        (weight, first, second)
        for weight, first, second in zip(weights, *plane.directions, strict=True)
        if weight.ndim > 1
    ]
    found = []
    for x, y in points.tolist():
        moved = [weight + x * first + y * second for weight, first, second in matrices]
        found.append(float(penalty(moved, run.experiment.training)))
        yield 1.0
    return np.array(found, dtype=np.float32).reshape(len(plane.y), len(plane.x))


def _notes(run: Run, used: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """What a reader has to know of the losses."""
    notes = []
    drawn = [
        f"{some:,} of the {every:,} {PARTS[part].label.lower()} samples"
        for part, (some, every) in used.items()
        if some < every
    ]
    if drawn:
        notes.append(f"The losses are of {' and '.join(drawn)}, drawn once for the whole plane.")
    entries = [layer.spec for layer in run.plan.walk()]
    if any(spec.entry.random for spec in entries):
        notes.append("Dropout is off, as in a test.")
    norms = [spec for spec in entries if spec.entry.mixes_batch]
    if any(spec.params.get("track_running_stats", True) for spec in norms):
        notes.append(
            "BatchNorm uses its running mean and variance of this step everywhere on the plane, as in a test of these "
            "weights."
        )
    if any(not spec.params.get("track_running_stats", True) for spec in norms):
        notes.append("BatchNorm uses the mean and variance of the samples themselves, as it does in a test here.")
    if run.experiment.training.penalized:
        notes.append("The loss is shown without the penalties on weights unless they are added.")
    if run.experiment.optimizer.params.get("weight_decay"):
        notes.append("Weight decay belongs to the optimizer: it pulls at the weights, and is no part of this loss.")
    return tuple(notes)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
