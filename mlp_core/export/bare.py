"""The network and its training in bare tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlp_core.catalog.by_hand import LayerByHand, StateTensor, UpdateByHand
from mlp_core.export.initialising import lines_of
from mlp_core.export.job import Job
from mlp_core.export.loop import NEVER_ZEROED, Parts, clip, with_optimizer
from mlp_core.export.pieces import Piece, forward_lines, opened
from mlp_core.export.python import (
    INDENT,
    Expression,
    Group,
    Keyword,
    assign,
    bound_names,
    call,
    comment,
    indented,
    literal,
)
from mlp_core.export.sections import Section
from mlp_core.export.stopping import Best

BARE_NAMES = {"weight": "w", "bias": "b"}
"""What the catalog calls the tensors of a layer that takes initialisers."""


def network(job: Job) -> Section:
    """Tensors, and a function `network(x)` that uses them."""
    lines: list[str] = []
    trained: list[str] = []
    frozen: list[str] = []
    names: dict[str, dict[str, str]] = {}
    if job.trained:
        lines.append(f"saved = load_file({literal(job.trained.file)})")
    bound = ""
    for piece, written, number in _numbered(job.network):
        names[piece.name] = {tensor.name: f"{tensor.name}{number}" for tensor in written.tensors}
        if not job.trained and written.before and written.before != (bound,):
            lines += written.before
            bound = written.before[0]
        for tensor in written.tensors:
            name = names[piece.name][tensor.name]
            value = f'saved["{piece.key}.{tensor.key}"]' if job.trained else tensor.value
            lines.append(f"{name} = {value}{'.to(device)' if job.device else ''}")
            trained += [name] if tensor.trained and not piece.frozen else []
            frozen += [name] if tensor.trained and piece.frozen else []
    if not job.trained:
        lines += lines_of(job.network, lambda piece, name: names.get(piece.name, {}).get(BARE_NAMES[name], ""))
        lines += comment(f"Frozen, so that training leaves them as they are: {', '.join(frozen)}.") if frozen else []
        lines += assign("parameters", Group("[", tuple(trained), "]"))
        lines += ["for p in parameters:", "    p.requires_grad_()  # backward() fills p.grad"]
    mode = takes_mode(job.network)

    def apply(piece: Piece, x: Expression) -> Expression:
        if piece.entry and piece.entry.by_hand:
            written = piece.entry.by_hand(piece.params, piece.in_features)
            function, arguments = written.call
            filled = {"x": "\0", "training": "training", **names[piece.name]}
            texts = [argument.format(**filled) for argument in arguments]
            return call(function, *(x if text == "\0" else _keyword(text) for text in texts))
        return piece.function(x, "training") or x  # what has no function is the identity

    forward = forward_lines(job.network, apply, INDENT)
    about = (
        ['"""The outputs for inputs x; torch.addmm(b, x, w.T) is x @ w.T + b."""'] if "addmm" in str(forward) else []
    )
    function = "\n".join([f"def network(x{', training' if mode else ''}):", *indented([*about, *forward])])
    words = (
        "The weights and biases of each layer, loaded from a file."
        if job.trained
        else "The weights and biases of each layer, drawn as PyTorch's layers draw theirs. The seed decides them and "
        "the order of the samples."
    )
    first = [] if job.trained else [f"torch.manual_seed({job.experiment.training.seed})"]
    return Section("Network", words, ("\n".join([*first, *lines]), function))


def _numbered(network: Sequence[Piece]) -> Iterator[tuple[Piece, LayerByHand, int]]:
    """Every layer that has tensors in this style, with them, counted from 1 among those of its type."""
    numbers: Counter[str] = Counter()
    for piece in opened(network):
        if piece.entry is not None and piece.entry.by_hand is not None:
            numbers[piece.type] += 1
            yield piece, piece.entry.by_hand(piece.params, piece.in_features), numbers[piece.type]


def _keyword(text: str) -> str | Keyword:
    name, equals, value = text.partition("=")
    return Keyword(name, _number(value)) if equals else text


def _number(text: str) -> str:
    try:
        return literal(float(text))
    except ValueError:
        return text


def takes_mode(pieces: Sequence[Piece]) -> bool:
    """Whether the network does something else in training than in a test."""
    return any(_mode(piece) for piece in opened(pieces))


def _mode(piece: Piece) -> bool:
    if piece.entry is None:
        return False
    if piece.entry.by_hand:
        return piece.entry.by_hand(piece.params, piece.in_features).mode
    return piece.entry.random


def loop(job: Job) -> Parts:
    """The loop with the update by hand, where the optimizer has such a form, and no schedule stands in its way."""
    mode = takes_mode(job.network)
    entry = job.experiment.optimizer.entry
    calls = ("network(x, training=True)", "network(x, training=False)") if mode else ("network(x)", "network(x)")
    zeroed = job.experiment.training.zero_grad
    update = entry.written(job.experiment.optimizer.params)
    if update is None or job.experiment.scheduler is not None:
        kept, more = _best(job)
        found = with_optimizer(job, calls, "parameters", modes=False)
        return replace(found, setup=(*found.setup, *more), best=kept)
    kept, more = _best(job)
    setup = [f"{name} = {literal(value)}" for name, value in update.settings.items()]
    setup += [f"{tensor.plural} = [{_filled(tensor)} for p in parameters]" for tensor in update.state]
    setup += [f"{number.name} = torch.tensor({literal(number.fill)})" for number in update.numbers]
    setup += ["step = 0"] if _reads_step(update) else []
    setup += more
    return Parts(
        *calls,
        modes=False,
        parameters="parameters",
        setup=tuple(setup),
        zero=() if zeroed else (NEVER_ZEROED,),
        update=(*clip("parameters", job), *_update(update, zeroed)),
        zeroes=zeroed,
        best=kept,
    )


def _best(job: Job) -> tuple[Best, list[str]]:
    """How the weights of the best epoch are kept, and a line that makes a list of all tensors where that is needed."""
    buffers = [
        f"{tensor.name}{number}"
        for _, written, number in _numbered(job.network)
        for tensor in written.tensors
        if not tensor.trained
    ]
    listed = "tensors" if buffers else "parameters"
    kept = Best(
        first=listed,
        copy=f"[t.detach().clone() for t in {listed}]",
        restore=(
            "with torch.no_grad():",
            f"    for t, best in zip({listed}, best_weights):",
            "        t.copy_(best)",
        ),
    )
    restores = job.experiment.training.patience is not None and job.experiment.training.restore_best_weights
    return kept, assign("tensors", Group("[", ("*parameters", *buffers), "]")) if restores and buffers else []


def _filled(tensor: StateTensor) -> str:
    return f"torch.full_like(p, {literal(tensor.fill)})" if tensor.fill else "torch.zeros_like(p)"


def _reads_step(update: UpdateByHand) -> bool:
    return "step" in bound_names("\n".join([*update.scalars, *update.lines]))


def _update(update: UpdateByHand, zeroed: bool) -> list[str]:
    before = [*(["step += 1"] if _reads_step(update) else []), *update.scalars]
    lists = ", ".join(["parameters", *(tensor.plural for tensor in update.state)])
    names = ", ".join(["p", *(tensor.name for tensor in update.state)])
    loop = f"for {names} in zip({lists}):" if update.state else "for p in parameters:"
    body = ["g = p.grad", *update.lines, *(["p.grad = None"] if zeroed else [])]
    return [*before, "with torch.no_grad():", f"    {loop}", *indented(body, 8)]
