"""The networks that are compared, and their data: the real ones where they lie, else made up in the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlp_core import data
from mlp_core.data.dataset import Dataset, read_only
from mlp_core.plan import plan
from mlp_core.presets import DEFAULT, PRESETS, mlp
from mlp_core.processor.policy import one_thread
from mlp_core.spec import DataSpec, Experiment, OptimizerSpec

MADE_UP_SIZES = {"CIFAR10": (50_000, 10_000), "FashionMNIST": (60_000, 10_000)}


@dataclass(frozen=True)
class Case:
    """One network on one set of data, in the terms that every program has."""

    name: str
    experiment: Experiment

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Features of the input, then of every Linear layer."""
        linear = [layer for layer in plan(self.experiment).layers if layer.spec.type == "Linear"]
        return (linear[0].in_features, *(layer.out_features for layer in linear))

    @property
    def activation(self) -> str:
        """PyTorch's name of the activation between the Linear layers."""
        return self.experiment.layers[1].type

    @property
    def optimizer(self) -> OptimizerSpec:
        """Type and parameters."""
        return self.experiment.optimizer

    @property
    def batch(self) -> int:
        """Samples per step."""
        size = self.experiment.training.batch_size
        assert size is not None
        return size

    @property
    def large(self) -> bool:
        """Whether a step's kernels gain from a second core."""
        weights = sum(a * b + b for a, b in zip(self.widths, self.widths[1:], strict=False))
        return not one_thread(weights, self.batch)

    def dataset(self) -> Dataset:
        """The data, put into the process's cache where they are made up, so that a session finds them too."""
        spec = self.experiment.data
        if not data.is_present(spec):
            whole = made_up(spec.entry.name)
            data._cache.get((whole.spec.dataset, data.data_folder()), lambda _: whole)
        return data.load(spec)


def made_up(name: str) -> Dataset:
    """Random bytes in the shape of an image set."""
    spec = DataSpec(dataset=name)
    chance = np.random.default_rng(0)
    parts = [
        (
            read_only(chance.integers(0, 256, (size, *spec.facts.sample_shape), dtype=np.uint8)),
            read_only(chance.integers(0, spec.facts.classes, size)),
        )
        for size in MADE_UP_SIZES[name]
    ]
    (x_train, y_train), (x_test, y_test) = parts
    return Dataset(
        spec=spec,
        x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test,
    )  # fmt: skip


def _cases() -> dict[str, Case]:
    spiral, fashion = PRESETS["spiral"].experiment, PRESETS["fashion-mnist-quickstart"].experiment
    spiral = spiral.updated(training=spiral.training.updated(batch_size=10))  # as small as a step gets
    experiments = {
        "2-4-2-2": spiral.updated(
            data=DataSpec(dataset="spiral", params={"points": 500}),
            layers=mlp((4, 2), "Tanh"),
            optimizer=OptimizerSpec(type="SGD", params={"lr": 0.03}),
        ),
        "2-8-8-8-2": spiral,
        "cifar10-classic": PRESETS["cifar10-classic"].experiment,
        "fashion-mnist-quickstart": fashion,
        "784-512-512-10 batch 256": fashion.updated(training=fashion.training.updated(batch_size=256)),
    }
    forever = {
        name: experiment.updated(training=experiment.training.updated(epochs=None))
        for name, experiment in experiments.items()
    }
    return {name: Case(name, experiment) for name, experiment in forever.items()}


CASES = _cases()
PAGE = "the page's own"
"""The name of the network that the page begins with, as it is there."""
ALL_CASES = CASES | {
    PAGE: Case(PAGE, (own := PRESETS[DEFAULT].experiment).updated(training=own.training.updated(epochs=None)))
}
"""Those, and one that is no comparison with other programs."""
WARM_UP = Case("warm-up", PRESETS["xor"].experiment)
"""A network of another structure: building it loads what a library loads when it is first used."""
