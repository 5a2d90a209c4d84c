"""A whole program for an experiment in a style: its sections in order, its imports and its first words."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlp_core.catalog import STYLES
from mlp_core.export import bare, lightning, loop, modules
from mlp_core.export.imports import import_lines
from mlp_core.export.initialising import of_model
from mlp_core.export.job import Job
from mlp_core.export.modules import Written, own_classes
from mlp_core.export.pieces import Piece
from mlp_core.export.python import WIDTH, Expression, Group, assign, comment, layout, literal
from mlp_core.export.refusals import exactness
from mlp_core.export.samples import samples
from mlp_core.export.sections import Section, join
from mlp_core.processor.policy import one_thread

MODULES: dict[str, Callable[[Sequence[Piece]], Written]] = {
    "sequential": modules.sequential,
    "named-sequential": modules.named_sequential,
    "module-functional": modules.module_functional,
    "module-activations": modules.module_activations,
    "module-shared": modules.module_shared,
    "mixed": modules.mixed,
    "layers-sequential": modules.layers_sequential,
    "layers-functional": modules.layers_functional,
    "layers-clamp": modules.layers_clamp,
}
"""Styles that make an `nn.Module` for the textbook loop."""

OTHERS: dict[str, Callable[[Job], list[Section]]] = {
    "bare-tensors": lambda job: [bare.network(job), *loop.sections(job, bare.loop(job))],
    "lightning-module": lightning.sections,
}
"""Styles with a loop of their own."""


@dataclass(frozen=True)
class Program:
    """A whole program."""

    words: str
    """What it is."""
    imports: tuple[str, ...]
    """The lines that import something."""
    sections: tuple[Section, ...]
    """The rest in order."""


def program(job: Job, style: str) -> Program:
    """The program in this style, which must be able to express it."""
    from mlp_core.run.metrics import EVALUATION_BATCH

    made = samples(job.experiment, job.plan, EVALUATION_BATCH, training=job.trained is None)
    network, *rest = OTHERS[style](job) if style in OTHERS else _module(job, style)
    own = own_classes(job.targets, join(block for section in (network, *rest) for block in section.blocks))
    network = network.after(*own.constants, *own.functions)
    found = [*_settings(job, style), *made.sections, network, *rest]
    code = join(block for section in found for block in section.blocks)
    imports = import_lines(code, sorted(made.imports | job.imports | own.imports))
    return Program(_words(job, style), tuple(imports), tuple(found))


def _words(job: Job, style: str) -> str:
    import torch

    label = job.experiment.data.entry.label
    what = f"{label} with a multilayer perceptron ({STYLES[style].label})."
    version = torch.__version__.split("+")[0]
    if job.operations and not job.trained:
        promise = (
            "It trains from the seed, without what was done to the network in the run that it is exported from, whose "
            f"numbers come with that. {' '.join(job.operations)}"
        )
    elif job.trained:
        promise = "It loads trained weights and checks that they give the test results that were shown."
    else:
        promise = exactness(job.experiment, style) or (
            f"On the CPU, with PyTorch {version}, it prints the losses that the playground shows, digit for digit."
        )
    return f"{textwrap.fill(what, WIDTH - 3)}\n\n{textwrap.fill('Exported from MLP Playground. ' + promise, WIDTH)}"


def _settings(job: Job, style: str) -> list[Section]:
    found = []
    if job.device:
        available = {"cuda": "torch.cuda.is_available()", "mps": "torch.backends.mps.is_available()"}[job.device]
        if style != "lightning-module":
            line = f'device = "{job.device}" if {available} else "cpu"'
            found.append(Section("Device", "", (line,)))
    elif one_thread(job.plan.parameters, batch_size(job)):
        text = "One thread is fastest for small matrices, and adds up in the same order everywhere."
        found.append(Section("Settings", text, ("torch.set_num_threads(1)",)))
    return found


def batch_size(job: Job) -> int:
    """Samples of one step, the whole training part where the experiment takes all at once."""
    given = job.experiment.training.batch_size
    if given is not None:
        return given
    data = job.experiment.data
    if data.facts.train_size is not None and data.validation_fraction is None:
        return data.params.get("train_samples") or data.facts.train_size
    from mlp_core.data import load

    return load(data).train_size


def _module(job: Job, style: str) -> list[Section]:
    written = MODULES[style](job.network)
    return [_network(job, written), *loop.sections(job, loop.of_module(job))]


def _network(job: Job, written: Written) -> Section:
    made: Expression = written.model
    lines = assign("model", made)
    if not job.trained:
        lines += of_model(job.network, written.paths)
    if job.device:
        lines.append("model.to(device)")
    if job.trained:
        lines += _load(job.trained.file, written.paths)
        text = "The trained weights instead of training."
    else:
        lines.insert(0, f"torch.manual_seed({job.experiment.training.seed})")
        text = "The seed decides the initial weights and the order of the samples."
    if not written.classes:
        return Section("Network", text, ("\n".join(lines),))
    return Section("Network", "", (*written.classes, _commented(text, lines)))


def _commented(text: str, lines: list[str]) -> str:
    return "\n".join([*comment(text), *lines])


def _load(file: str, paths: object) -> list[str]:
    """Lines that put the file's weights into the model, whose submodules may have names of their own."""
    if not isinstance(paths, dict):
        return [f"model.load_state_dict(load_file({literal(file)}))"]
    pairs = Group("{", tuple(f'"{path}": "{key}"' for path, key in paths.items()), "}", explode=len(paths) > 3)
    return [
        f"saved = load_file({literal(file)})",
        *layout(pairs, "numbers = "),
        "for name, number in numbers.items():  # the file knows layers by number",
        "    layer = model.get_submodule(name)",
        '    layer.load_state_dict({key: saved[f"{number}.{key}"] for key in layer.state_dict()})',
    ]
