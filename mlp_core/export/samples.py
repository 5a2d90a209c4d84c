"""The part of a program that makes or loads its data, giving `train_data`, `test_data` and their loaders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_core.catalog import FEATURES, load_object
from mlp_core.data import load, split, tabular
from mlp_core.data.dataset import PartName
from mlp_core.export import archives, tables
from mlp_core.export.arguments import arguments
from mlp_core.export.python import Expression, Group, assign, call, layout, literal
from mlp_core.export.sections import Section
from mlp_core.export.source import borrow
from mlp_core.plan import Plan
from mlp_core.spec import Experiment


@dataclass(frozen=True)
class Samples:
    """The part of a program that makes the data."""

    sections: tuple[Section, ...]
    """Its sections in order."""
    imports: frozenset[str] = frozenset()
    """Import lines that they need beyond the usual ones."""


def samples(experiment: Experiment, planned: Plan, evaluation_batch: int, training: bool = True) -> Samples:
    """The sections for the experiment's data set; without `training` there is no loader of training samples."""
    entry = experiment.data.entry
    made = _SOURCES[entry.source](experiment, planned)
    size = experiment.training.batch_size
    loaders = []
    if training:
        rows = "len(train_data)" if size is None else str(size)
        loaders += assign("train_loader", call("DataLoader", "train_data", batch_size=rows, shuffle="True"))
        if experiment.data.validation_fraction is not None:
            loaders += assign(
                "validation_loader", call("DataLoader", "validation_data", batch_size=str(evaluation_batch))
            )
    loaders += assign("test_loader", call("DataLoader", "test_data", batch_size=str(evaluation_batch)))
    *earlier, last = made.sections
    last = Section(last.title, last.text, (*last.blocks, "\n".join(loaders)))
    return Samples((*earlier, last), made.imports)


def _borrowed(*functions: Callable[..., Any]) -> tuple[Section, frozenset[str]]:
    found = borrow(*functions)
    text = "How the samples are made and split: the same numbers for the same seed, everywhere."
    blocks = (*(["\n".join(found.constants)] if found.constants else []), *found.functions)
    return Section("Making the data", text, blocks), found.imports


def _generated(experiment: Experiment, planned: Plan) -> Samples:
    data, facts = experiment.data, experiment.data.facts
    maker = load_object(data.entry.loader)
    chosen = data.params.get("features", ())
    given = arguments(data)
    make = call(maker.__name__, **given.keywords, seed=str(data.seed))
    plain = not facts.plane or tuple(chosen) == ("x1", "x2")
    targets = _target_name(experiment)
    lines = layout(make, f"{'inputs' if plain else 'points'}, {targets} = ")
    if data.entry.standardised:
        functions, imports = _borrowed(maker, *_splitters(experiment), tabular.standardisation, tabular._standardised)
        section = _tensors(experiment, planned, lines, _standardised(experiment), given.blocks)
        return Samples((functions, section), imports)
    if plain:
        lines.append("inputs = inputs.astype(np.float32)")
    else:
        columns = Group("[", tuple(FEATURES[feature].code for feature in chosen), "]")
        lines += ["points = points.astype(np.float32)", "x1, x2 = points[:, 0], points[:, 1]"]
        lines += [*assign("columns", columns), "inputs = np.stack(columns, axis=1).astype(np.float32)"]
    if not facts.classifies:
        lines.append("targets = targets.astype(np.float32)")
    functions, imports = _borrowed(maker, *_splitters(experiment))
    return Samples((functions, _tensors(experiment, planned, lines, before=given.blocks)), imports)


def _standardised(experiment: Experiment) -> list[str]:
    """Lines that standardise inputs, and targets that are numbers, by the training part."""
    lines = ["inputs = standardised(inputs, *standardisation(inputs[train]))"]
    if experiment.loss.entry.counts:
        lines.append("targets = targets.astype(np.float32)  # counts stay as they are")
    elif not experiment.data.facts.classifies:
        lines.append("targets = standardised(targets, *standardisation(targets[train]))")
    return lines


def _bundled(experiment: Experiment, planned: Plan) -> Samples:
    entry = experiment.data.entry
    options = {name: literal(value) for name, value in entry.load_options.items()}
    load = call(f"load_{entry.name}", return_X_y="True", **options)
    targets = _target_name(experiment)
    lines = layout(load, f"inputs, {targets} = ")
    numeric = not experiment.data.facts.classifies
    functions, imports = _borrowed(*_splitters(experiment), tabular.standardisation, tabular._standardised)
    if numeric:
        lines.append("targets = targets.astype(np.float64).reshape(len(targets), -1)")
    section = _tensors(experiment, planned, lines, _standardised(experiment))
    return Samples((functions, section), imports | {f"from sklearn.datasets import load_{entry.name}"})


def _uploaded(experiment: Experiment, planned: Plan) -> Samples:
    if experiment.data.facts.holds_images:
        return _uploaded_images(experiment, planned)
    made = tables.program(experiment)
    functions, imports = _borrowed(*_splitters(experiment), *made.functions)
    section = _tensors(experiment, planned, list(made.lines), list(made.after))
    return Samples((functions, Section(section.title, made.text, section.blocks)), imports | {"import pandas as pd"})


def _uploaded_images(experiment: Experiment, planned: Plan) -> Samples:
    made = archives.program(experiment)
    splitters = _splitters(experiment)
    if made.divide is not None and experiment.data.validation_fraction is None:
        splitters = []
    functions, imports = _borrowed(*made.functions, *splitters)
    section = _tensors(experiment, planned, list(made.lines), divide=made.divide)
    return Samples((functions, Section(section.title, made.text, section.blocks)), imports | {"import zipfile"})


def _target_name(experiment: Experiment) -> str:
    return "targets" if experiment.data.facts.task == "regression" else "labels"


def _splitters(experiment: Experiment) -> list[Callable[..., Any]]:
    """The functions that split the samples, once it is known how many of each class are in which part."""
    classifies = experiment.data.facts.classifies
    found: list[Callable[..., Any]] = [split.split_classes if classifies else split.split]
    if _validation_split(experiment, "")[0] is not found[0]:
        found.append(split.split)
    return found


def _split_call(experiment: Experiment) -> Group:
    data = experiment.data
    if data.facts.task == "regression":
        return call("split", "len(targets)", test_fraction=literal(data.test_fraction), seed=str(data.seed))
    loaded = load(data)
    present = np.unique(np.concatenate([loaded.y_train, loaded.y_test]))
    tests = np.bincount(loaded.y_test, minlength=data.facts.classes)[present]
    return call("split_classes", "labels", tests=Group("[", tuple(map(str, tests)), "]"), seed=str(data.seed))


_TRAINED: tuple[PartName, ...] = ("train", "validation")
"""The parts that the training samples are divided into."""


def _validation_split(experiment: Experiment, labels: str) -> tuple[Callable[..., Any], Group]:
    """The function that takes the validation part out of the training part, and its call.

    `labels` is the expression for the classes, or targets, of the training part.
    """
    data = experiment.data
    plain = call("split", f"len({labels})", test_fraction=literal(data.validation_fraction), seed=str(data.seed))
    if data.validation_fraction is None or not data.facts.classifies:
        return split.split_classes if data.facts.classifies else split.split, plain
    dataset = load(data)
    kept, held_out = (np.bincount(dataset.part(part)[1], minlength=data.facts.classes) for part in _TRAINED)
    counts = kept + held_out
    if counts.max() < 2:
        return split.split, plain  # as `stratified_split` does
    tests = held_out[counts > 0]
    shares = Group("[", tuple(map(str, tests)), "]")
    return split.split_classes, call("split_classes", labels, tests=shares, seed=str(data.seed))


def _validation_lines(experiment: Experiment, labels: str) -> list[str]:
    """Lines that make indices `kept` and `validation` among the training samples; none without a validation part."""
    if experiment.data.validation_fraction is None:
        return []
    return layout(_validation_split(experiment, labels)[1], "kept, validation = ")


def _tensors(experiment: Experiment, planned: Plan, lines: list[str], after: list[str] | None = None,
             before: tuple[str, ...] = (), divide: Group | None = None) -> Section:  # fmt: skip
    """Split, tensors and data sets from arrays `inputs` and `labels` or `targets`, with blocks before them.

    `divide` is the call that splits them, where it is not by shares.
    """
    entry = experiment.data.entry
    name = _target_name(experiment)
    lines = [*lines, *layout(divide or _split_call(experiment), "train, test = ")]
    if held_out := _validation_lines(experiment, f"{name}[train]"):
        lines += [*held_out, "train, validation = train[kept], train[validation]"]
    lines += after or []
    y = f"torch.from_numpy({name})"
    form = target_form(experiment, planned)
    if form == "column":
        y = f"{y}.float().unsqueeze(1)"
    elif form == "one-hot":
        y = f"F.one_hot({y}, {planned.outputs}).float()"
    if takes_signs(experiment):
        y = f"2 * {y} - 1"
    tensors = [
        "x = torch.from_numpy(inputs)",
        f"y = {y}",
        "train_data = TensorDataset(x[train], y[train])",
        *(["validation_data = TensorDataset(x[validation], y[validation])"] if held_out else []),
        "test_data = TensorDataset(x[test], y[test])",
    ]
    return Section("Data", f"{entry.label}: {entry.summary}", (*before, "\n".join(lines), "\n".join(tensors)))


def target_form(experiment: Experiment, planned: Plan) -> str:
    """How targets go into the loss: 'index', 'column' (0 and 1), 'one-hot', or 'numbers' in regression."""
    if experiment.data.facts.task == "regression":
        return "numbers"
    if experiment.loss.entry.target_form == "index":
        return "index"
    return "column" if planned.outputs == 1 else "one-hot"


ROOT = 'root = os.environ.get("MLP_DATA_DIR", "data")'
"""Where a script finds downloaded sets: in the folder of the playground."""


def takes_signs(experiment: Experiment) -> bool:
    """Whether targets are 1 and -1 in place of 1 and 0."""
    return experiment.data.facts.classifies and experiment.loss.entry.target_form == "sign"


def _downloaded(experiment: Experiment, planned: Plan) -> Samples:
    if not experiment.data.facts.official_split:
        return _downloaded_table(experiment, planned)
    data, entry = experiment.data, experiment.data.entry
    transform: Expression = "transforms.ToTensor()"
    blocks = []
    if entry.lying:
        blocks.append(_UPRIGHT)
        transform = call("transforms.Compose", Group("[", (transform, "upright"), "]"))
    lines = [ROOT, *assign("to_tensor", transform)]
    more: dict[str, str] = {"transform": "to_tensor"}
    form = target_form(experiment, planned)
    label = f"label - {entry.first_label}" if entry.first_label else "label"
    if form != "index" or entry.first_label:
        tensor = {"column": f"torch.tensor([float({label})])", "index": label,
                  "one-hot": f"F.one_hot(torch.tensor({label}), {planned.outputs}).float()"}[form]  # fmt: skip
        tensor = f"2 * {tensor} - 1" if takes_signs(experiment) else tensor
        blocks.append(f'def as_target(label):\n    """The class as the loss takes it."""\n    return {tensor}')
        more["target_transform"] = "as_target"
    for part, chosen in zip(("train", "test"), entry.parts, strict=True):
        which = {name: literal(value) for name, value in chosen.items()}
        made = call(f"datasets.{entry.name}", "root", **which, download="True", **more)
        lines += assign(f"{part}_data", made)
    sections: tuple[Section, ...] = ()
    imports: frozenset[str] = frozenset()
    if held_out := _validation_lines(experiment, "labels"):
        functions, imports = _borrowed(_validation_split(experiment, "")[0])
        sections = (functions,)
        count = data.params["train_samples"]
        first = "" if count is None else f"[:{count}]"
        lines += [f"labels = np.asarray(train_data.{entry.labels}){first}", *held_out]
    for part in ("train", "test"):
        size = data.params[f"{part}_samples"]
        if size is not None:
            lines.append(f"{part}_data = Subset({part}_data, range({size}))")
    if held_out:
        lines += [
            "validation_data = Subset(train_data, validation.tolist())",
            "train_data = Subset(train_data, kept.tolist())",
        ]
    text = f"{entry.label}: {entry.summary} ToTensor scales pixels to [0, 1]."
    return Samples((*sections, Section("Data", text, (*blocks, "\n".join(lines)))), imports)


_UPRIGHT = '''def upright(image):
    """Images lie on their side in the files; this makes them stand."""
    return image.transpose(1, 2)'''


def _downloaded_table(experiment: Experiment, planned: Plan) -> Samples:
    """A table that a function of scikit-learn downloads; it keeps a copy of its own in the folder."""
    function = f"fetch_{experiment.data.dataset}"
    targets = _target_name(experiment)
    lines = [ROOT, *layout(call(function, data_home="root", return_X_y="True"), f"inputs, {targets} = ")]
    lines.append("targets = targets.reshape(len(targets), -1)")
    functions, imports = _borrowed(*_splitters(experiment), tabular.standardisation, tabular._standardised)
    section = _tensors(experiment, planned, lines, _standardised(experiment))
    return Samples((functions, section), imports | {f"from sklearn.datasets import {function}"})


_SOURCES: dict[str, Callable[[Experiment, Plan], Samples]] = {
    "generated": _generated,
    "drawn": _generated,
    "bundled": _bundled,
    "downloaded": _downloaded,
    "uploaded": _uploaded,
}
