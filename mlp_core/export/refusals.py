"""What a style of code cannot express, and what a script cannot promise, each said in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from mlp_core.catalog import STYLES, look_up
from mlp_core.export.modules import is_block
from mlp_core.export.pieces import Piece, opened, pieces, walk
from mlp_core.plan import plan
from mlp_core.problems import refuse
from mlp_core.spec import Experiment


def refuses(experiment: Experiment, style: str) -> str:
    """Why a style cannot express the network, in a sentence; '' if it can.

    Raises `SpecError` for a style that there is not, and for an experiment that cannot run.
    """
    entry = look_up(STYLES, style, "style")
    refuse(experiment)
    check = _CHECKS.get(entry.name)
    return check(pieces(plan(experiment))) if check else ""


def exactness(experiment: Experiment, style: str = "") -> str:
    """Why a script of this experiment may not print the same digits, in a sentence; '' if it does.

    A style, where given, may have a reason of its own.
    """
    device = experiment.training.device
    if device != "cpu":
        return (
            f"On the device {device!r} sums are rounded in another order from machine to machine, so a script may "
            "print other last digits. Train on the CPU for the same digits, or load the trained weights."
        )
    if style == "layers-clamp":
        return (
            "Where a sum is exactly 0, clamp passes the gradient on and ReLU does not, so after millions of steps a "
            "script may print other last digits than the playground. Choose another style for the same digits."
        )
    return ""


def _shared(network: Sequence[Piece]) -> str:
    activations = [piece for piece in opened(network) if piece.activation]
    weighted = next((piece for piece in activations if piece.stateful or piece.params_inferred), None)
    if not activations:
        return "There is no activation in this network that layers could share. Choose nn.Sequential."
    if weighted:
        return (
            f"{weighted.type} has parameters of its own, so sharing one module would share what it learns and make "
            "another network. Choose one activation module per layer."
        )
    if len({piece.same_kind for piece in activations}) > 1:
        names = sorted({piece.type for piece in activations})
        kinds = " and ".join(names) if len(names) > 1 else f"{names[0]} with different parameters"
        return f"This network uses {kinds}, and one shared module is one function. Choose functional activations."
    return ""


def _blocks(network: Sequence[Piece]) -> str:
    if not _joined(network):
        return "No layer of this network is followed by an activation, so there is no pair to make a class of."
    return ""


def _clamp(network: Sequence[Piece]) -> str:
    others = [activation.type for _, activation in _joined(network) if activation.type != "ReLU"]
    if others:
        return (
            f"clamp(min=0) is ReLU, and this network uses {others[0]} after a layer. Choose layer classes by "
            "functional call."
        )
    return _blocks(network)


def _joined(network: Sequence[Piece]) -> list[tuple[Piece, Piece]]:
    lists = [network, *(piece.inside for piece in walk(network))]
    return [pair for pieces in lists for pair in pairwise(pieces) if is_block(*pair)]


def _bare(network: Sequence[Piece]) -> str:
    for piece in opened(network):
        written = piece.entry is None or piece.entry.by_hand is not None or piece.function("x") is not None
        if not written and (piece.stateful or piece.type != "Identity"):
            return (
                f"There is no form of {piece.type} in bare tensors: it is more than a formula of its input. Choose "
                "nn.Module with functional activations."
            )
    return ""


_CHECKS: dict[str, Callable[[Sequence[Piece]], str]] = {
    "module-shared": _shared,
    "layers-sequential": _blocks,
    "layers-functional": _blocks,
    "layers-clamp": _clamp,
    "bare-tensors": _bare,
}
