"""Ready experiments, by name. Choosing one fills every control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import look_up
from mlp_core.spec import DataSpec, Experiment, LayerSpec, LossSpec, OptimizerSpec, TrainingSpec

DEFAULT = "spiral"


@dataclass(frozen=True)
class Preset:
    """A named experiment with one sentence on what it shows."""

    name: str
    """Its key in links and on the command line."""
    label: str
    """What a page calls it."""
    summary: str
    """What it shows, in a sentence."""
    experiment: Experiment
    """Its experiment."""


def mlp(widths: tuple[int, ...], activation: str, *end: str) -> tuple[LayerSpec, ...]:
    """Linear layers of these widths, each with its activation, then an output Linear as the data needs it."""
    layers: list[LayerSpec] = []
    for width in widths:
        layers += [LayerSpec(type="Linear", params={"out_features": width}), LayerSpec(type=activation)]
    return (*layers, LayerSpec(type="Linear"), *(LayerSpec(type=name) for name in end))


def _preset(name: str, label: str, summary: str, dataset: str, layers: tuple[LayerSpec, ...], loss: str,
            optimizer: OptimizerSpec, data: dict[str, Any] | None = None, **training: Any) -> Preset:  # fmt: skip
    experiment = Experiment(
        data=DataSpec(dataset=dataset, **(data or {})),
        layers=layers,
        loss=LossSpec(type=loss),
        optimizer=optimizer,
        training=TrainingSpec(**training),
    )
    return Preset(name, label, summary, experiment)


def _sgd(lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> OptimizerSpec:
    return OptimizerSpec(type="SGD", params={"lr": lr, "momentum": momentum, "weight_decay": weight_decay})


def _adam(lr: float) -> OptimizerSpec:
    return OptimizerSpec(type="Adam", params={"lr": lr})


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        # Without weight decay, more than ten thousand steps learn the noise of the training samples by heart.
        _preset("spiral", "Spiral", "Two arms wound around each other: a small deep network bends around them.",
                "spiral", mlp((8, 8, 8), "Tanh"), "CrossEntropyLoss", _sgd(0.03, 0.9, 1e-3), batch_size=20),
        _preset("circle", "Circle", "A disc inside a ring: one hidden layer closes the curve.",
                "circle", mlp((4,), "Tanh"), "BCEWithLogitsLoss", _sgd(0.1)),
        _preset("xor", "XOR", "The problem that a network without hidden layer cannot solve.",
                "xor", mlp((4,), "ReLU"), "CrossEntropyLoss", _sgd(0.1)),
        _preset("moons", "Two moons", "Two half circles: a gentle curve between them.",
                "moons", mlp((8, 8), "ReLU"), "CrossEntropyLoss", _adam(0.01)),
        _preset("plane", "Plane", "Regression: one Linear layer finds the slope.",
                "plane", mlp((), "Identity"), "MSELoss", _sgd(0.03)),
        _preset("two-hidden-relu", "Two hidden layers, iris", "A table, two hidden layers of ten ReLUs.",
                "iris", mlp((10, 10), "ReLU"), "CrossEntropyLoss", _adam(1e-3),
                data={"test_fraction": 0.3}, batch_size=16, epochs=200),
        _preset("binary-16-12-10-1", "Binary 16-12-10-1", "Sixteen features, one probability.",
                "blobs16", mlp((12, 10), "ReLU", "Sigmoid"), "BCELoss", _adam(1e-3),
                data={"test_fraction": 0.25}, batch_size=32, epochs=50),
        _preset("batchnorm-block", "BatchNorm block", "Five features, two ReLUs, BatchNorm; gradients never zeroed.",
                "ones",
                (LayerSpec(type="Linear", params={"out_features": 2}), LayerSpec(type="ReLU"),
                 LayerSpec(type="BatchNorm1d")),
                "L1Loss", _adam(0.1), batch_size=None, epochs=10, zero_grad=False),
        _preset("fashion-mnist-quickstart", "Fashion-MNIST", "Clothes in ten classes: 784-512-512-10 with plain SGD.",
                "FashionMNIST", mlp((512, 512), "ReLU"), "CrossEntropyLoss", _sgd(1e-3),
                batch_size=64, epochs=5, report_every=100),
        _preset("cifar10-classic", "CIFAR-10", "Colour photographs: 3072-64-32-10 with Adam.",
                "CIFAR10", mlp((64, 32), "ReLU"), "CrossEntropyLoss", _adam(1e-4),
                batch_size=10, epochs=5, report_every=500),
    )
}  # fmt: skip


IMAGE_NETWORK = PRESETS["fashion-mnist-quickstart"].experiment.updated(
    layers=mlp((128, 64), "ReLU"), optimizer=_adam(1e-3)
)
"""A network that learns sets of small images within a few minutes on a small machine."""


TABLE_NETWORK = mlp((16, 16), "ReLU"), _adam(0.01)
"""Layers and optimizer that learn most tables within seconds."""
TABLE_BATCH = 16
"""Their batch size."""


def image_network(experiment: Experiment) -> Experiment:
    """The experiment's data with the network, loss, optimizer and batch size of `IMAGE_NETWORK`."""
    training = experiment.training.updated(batch_size=IMAGE_NETWORK.training.batch_size)
    return experiment.updated(
        layers=IMAGE_NETWORK.layers,
        loss=IMAGE_NETWORK.loss,
        optimizer=IMAGE_NETWORK.optimizer,
        scheduler=None,
        training=training,
    )


def suited(experiment: Experiment) -> Experiment:
    """The experiment's data with a network, an optimizer and a batch size that usually learn such data: images, points
    of a plane, or a table. The loss stays, except for images."""
    facts = experiment.data.facts
    if facts.holds_images and facts.classifies:
        return image_network(experiment)
    layers, optimizer = TABLE_NETWORK
    batch_size: int | None = TABLE_BATCH
    if facts.plane:
        start = PRESETS[DEFAULT].experiment
        layers, optimizer, batch_size = start.layers, start.optimizer, start.training.batch_size
    training = experiment.training.updated(batch_size=batch_size)
    return experiment.updated(layers=layers, optimizer=optimizer, scheduler=None, training=training)


def shape_of(data: DataSpec) -> str:
    """What a network for the data has to read: 'images', 'points of a plane' or 'a table'."""
    facts = data.facts
    return "images" if facts.holds_images else "points of a plane" if facts.plane else "a table"


def preset(name: str) -> Preset:
    """The preset of that name; raises `SpecError` naming the known ones."""
    return look_up(PRESETS, name, "preset")
