"""Data sets that are made here: patterns of the plane, and tables."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry, Describe, Params, table_facts
from mlp_core.catalog.facts import DataFacts, Task
from mlp_core.catalog.features import FEATURES
from mlp_core.catalog.parameters import Float, Int, Parameter, Subset


def _table_parameters(points: int) -> tuple[Parameter, ...]:
    return (
        Int(
            name="points",
            label="Points",
            help="How many samples to make, before they are split into training and test.",
            default=points,
            low=20,
            high=20_000,
            step=50,
            advice="Choose 20 to 20000 points.",
        ),
    )


def plane_parameters(points: int, noise: float) -> tuple[Parameter, ...]:
    """How many points there are, their noise, and the features made of them."""
    return (
        *_table_parameters(points),
        Float(
            name="noise",
            label="Noise",
            help="How far points stray from the pattern, as a share of its size. 0 is a clean pattern.",
            default=noise,
            low=0.0,
            high=1.0,
            step=0.05,
            advice="Choose a value from 0 (clean) to 1.",
        ),
        Subset(
            name="features",
            label="Input features",
            help="What the network sees of each point: its coordinates, or functions of them.",
            default=("x1", "x2"),
            choices={feature.name: feature.label for feature in FEATURES.values()},
            controls=("data", "features"),
        ),
    )


def class_names(count: int) -> tuple[str, ...]:
    """The names of classes that have none of their own."""
    return tuple(f"class {index}" for index in range(count))


def classes_parameter(default: int, high: int) -> Int:
    """How many classes a set is made of."""
    return Int(
        name="classes",
        label="Classes",
        help="How many classes there are; each gets an output of the network.",
        default=default,
        low=2,
        high=high,
    )


def _plane_facts(task: Task) -> Describe:
    def facts(params: Params) -> DataFacts:
        classes = task == "classification"
        return DataFacts(
            task=task,
            sample_shape=(len(params["features"]),),
            class_names=class_names(params.get("classes", 2)) if classes else (),
            target_names=() if classes else ("value",),
            samples=params["points"],
            plane=True,
        )

    return facts


def _plane_set(name: str, label: str, summary: str, when: str, noise: float,
               task: Task = "classification", module: str = "toy",
               more: tuple[Parameter, ...] = ()) -> DatasetEntry:  # fmt: skip
    points, *others = plane_parameters(400, noise)
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        when=when,
        source="generated",
        loader=f"mlp_core.data.{module}:{name}",
        facts=_plane_facts(task),
        parameters=(points, *more, *others),
    )


def _several(name: str, label: str, summary: str, when: str, noise: float, classes: Int) -> DatasetEntry:
    """A set of the plane with as many classes as one likes."""
    return _plane_set(name, label, summary, when, noise, module="classes", more=(classes,))


def _count(name: str, label: str, help: str, default: int, low: int, high: int) -> Int:
    return Int(name=name, label=label, help=help, default=default, low=low, high=high)


_CLASSIFICATION = (
    *_table_parameters(500),
    _count("n_features", "Columns", "How many columns the table has.", 10, 2, 200),
    _count("n_informative", "Informative columns", "How many of them tell the classes apart.", 4, 1, 50),
    _count("n_redundant", "Redundant columns", "How many are mixtures of informative ones.", 2, 0, 100),
    _count("n_classes", "Classes", "How many classes there are.", 3, 2, 20),
    _count("n_clusters_per_class", "Clouds per class", "Of how many separate clouds each class is made.", 1, 1, 5),
    Float(
        name="class_sep",
        label="Separation",
        help="How far the clouds are apart, in about their own standard deviations.",
        default=1.0,
        low=0.0,
        low_open=True,
        high=10.0,
        step=0.25,
    ),
    Float(
        name="flip_y",
        label="Wrong labels",
        help="The share of samples whose class is drawn at random.",
        default=0.01,
        low=0.0,
        high=1.0,
        step=0.05,
    ),
)


def _classification_facts(params: Params) -> DataFacts:
    return DataFacts(
        task="classification",
        sample_shape=(params["n_features"],),
        class_names=class_names(params["n_classes"]),
        samples=params["points"],
    )


def _classification_conflict(params: Params, owner: str) -> str:
    """What scikit-learn's make_classification would refuse, in a sentence."""
    meaningful = params["n_informative"] + params["n_redundant"]
    if meaningful > params["n_features"]:
        return (
            f"The 'n_features' parameter of {owner} must be at least n_informative + n_redundant, {meaningful}. Got "
            f"{params['n_features']} instead. Use more columns, or make fewer of them informative or redundant."
        )
    clouds = params["n_classes"] * params["n_clusters_per_class"]
    if clouds > 2 ** params["n_informative"]:
        return (
            f"The 'n_informative' parameter of {owner} must be at least {(clouds - 1).bit_length()}, so that "
            f"{clouds} clouds find a corner each. Got {params['n_informative']} instead. Use more informative columns, "
            "or fewer classes or clouds."
        )
    return ""


GENERATED: tuple[DatasetEntry, ...] = (
    _plane_set("circle", "Circle", "A disc of one class inside a ring of the other.",
               "Cannot be split by a straight line: needs a hidden layer, or the features x₁² and x₂².", 0.1),
    _plane_set("xor", "XOR", "Four quadrants: the class is whether the two coordinates' signs agree.",
               "The smallest problem that a network without hidden layer cannot solve.", 0.05),
    _plane_set("gaussians", "Two Gaussians", "Two round clouds, one for each class.",
               "One Linear layer is enough.", 0.2),
    _plane_set("spiral", "Spiral", "Two arms wound around each other.",
               "Hard: needs width, depth and patience.", 0.05),
    _plane_set("moons", "Two moons", "Two half circles that hook into each other.",
               "A gentle curve: a small hidden layer is enough.", 0.1),
    _plane_set("plane", "Plane", "A value that rises evenly in one direction.",
               "Regression that one Linear layer solves.", 0.05, task="regression"),
    _plane_set("bumps", "Gaussian bumps", "A flat landscape with round hills and hollows.",
               "Regression that needs hidden layers.", 0.05, task="regression"),
    _several("blobs", "Blobs", "Round clouds, one for each class, around random centres.",
             "One Linear layer is enough where the clouds do not overlap. Another data seed moves the centres.",
             0.15, classes_parameter(4, 10)),
    _several("rings", "Rings", "Rings inside one another, one for each class.",
             "No straight line helps: needs a hidden layer, or the features x₁² and x₂².", 0.05,
             classes_parameter(3, 6)),
    _several("arms", "Spiral arms", "Arms of a spiral, one for each class.",
             "As the spiral, with more classes and fewer turns.", 0.05, classes_parameter(3, 6)),
    _plane_set("swiss_roll", "Swiss roll", "A rolled-up sheet seen from its end; the value tells how far along it.",
               "Regression that follows a spiral: needs width, depth and patience.", 0.02, task="regression",
               module="classes"),
    DatasetEntry(
        name="classification", label="Random classes", source="generated",
        summary="A table of clouds on the corners of a cube, by scikit-learn's make_classification.",
        when="To see what columns without meaning, overlap and wrong labels do.",
        loader="mlp_core.data.synthetic:classification", facts=_classification_facts,
        parameters=_CLASSIFICATION, conflict=_classification_conflict,
    ),
    DatasetEntry(
        name="blobs16", label="Sixteen features", source="generated",
        summary="Two overlapping clouds in sixteen dimensions, each made of two smaller ones.",
        when="A table for a binary network with one output.",
        loader="mlp_core.data.synthetic:blobs16", facts=table_facts(16, class_names=("no", "yes")),
        parameters=_table_parameters(1000),
    ),
    DatasetEntry(
        name="ones", label="All ones", source="generated",
        summary="Five features drawn around 1; both targets are 1 for every sample.",
        when="To watch a block of layers learn a constant.",
        loader="mlp_core.data.synthetic:ones", facts=table_facts(5, target_names=("target 1", "target 2")),
        parameters=_table_parameters(200),
    ),
)  # fmt: skip
