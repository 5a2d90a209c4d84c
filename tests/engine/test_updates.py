"""Updates of the catalog as the engines take them: as many operators as the text has, and nothing that is not known."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import torch
from comparing import FAST_OPTIMIZERS

from mlp_core.catalog.by_hand import StateNumber, UpdateByHand
from mlp_core.engines.optimizers import scalars_of, update_of
from mlp_core.engines.tracing import UnsupportedError
from mlp_core.engines.updates import Translation
from mlp_core.presets import preset
from mlp_core.spec import OptimizerSpec

EVERY: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
    "Adam": {"amsgrad": True, "weight_decay": 0.1},
    "AdamW": {"amsgrad": True},
    "RMSprop": {"centered": True, "momentum": 0.9, "weight_decay": 0.1},
    "Adagrad": {"weight_decay": 0.1},
    "Adadelta": {"weight_decay": 0.1},
    "Adamax": {"weight_decay": 0.1},
    "NAdam": {"weight_decay": 0.1, "maximize": True},
    "RAdam": {"weight_decay": 0.1, "decoupled_weight_decay": True},
}


def operators(text: str) -> int:
    """Calls and divisions of tensors in it; a tensor of no dimensions is filled, and a scalar is no tensor."""
    nodes = list(ast.walk(ast.parse(text)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    divisions = [node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Call)]
    return len([call for call in calls if call.func.attr != "fill_"]) + len(divisions)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", FAST_OPTIMIZERS)
@pytest.mark.parametrize("everything", [False, True])
def test_no_operator_is_added(name: str, everything: bool) -> None:
    entry = FAST_OPTIMIZERS[name]
    assert entry.by_hand is not None
    written = entry.by_hand(entry.fill(EVERY[name] if everything else {}))
    assert operators("\n".join(Translation(written).lines)) == operators("\n".join(written.lines))


def test_gradients_stay_and_new_tensors_go_to_scratch() -> None:
    written = UpdateByHand(
        lines=("g = g.add(p, alpha=decay)", "way = (g * g).sqrt().add_(small) / size", "p.add_(way, alpha=-lr)"),
        settings={"lr": 0.1, "decay": 0.1, "small": 1e-8},
        scalars=("size = 1 - lr",),
    )
    found = Translation(written)
    assert found.lines == [
        "torch.add(g, w, alpha=decay, out=new_g)",
        "torch.mul(new_g, new_g, out=way)",
        "way.sqrt_()",
        "way.add_(small_0d)",
        "way.div_(number.fill_(1 - lr))",
        "w.add_(way, alpha=-lr)",
    ]
    assert found.scratch == ["new_g", "way"]


def test_scalars_decide_between_branches_and_kept_numbers_are_multiplied_first() -> None:
    written = UpdateByHand(
        lines=("if size > 5:", "    p.mul_(size)", "p.add_(g, alpha=share)"),
        settings={"lr": 0.1},
        scalars=("size = lr * step", "product *= size", "share = 1 / product.item() if size > 5 else 0.0"),
        numbers=(StateNumber(name="product", key="mu_product"),),
        counts=True,
    )
    found = Translation(written)
    assert found.lines == [
        "if lr * step > 5:",
        "    w.mul_(number.fill_(lr * step))",
        "w.add_(g, alpha=1 / product if lr * step > 5 else 0.0)",
    ]
    assert found.factors == {"product": "lr * step"}


@pytest.mark.parametrize("line", ["p = p", "g.add(p)", "while True: pass", "p.add_(1) + 2", "print(p)"])
def test_what_is_not_known_is_named(line: str) -> None:
    if line == "p = p":
        line = "p[0] = 1"
    with pytest.raises(AssertionError, match="what no engine knows"):
        Translation(UpdateByHand(lines=(line,), settings={"lr": 0.1}))


def test_numbers_are_those_that_the_group_holds_now() -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))], lr=0.25, betas=(0.5, 0.75))
    update = update_of(optimizer)
    assert dict(zip(update.scalars, scalars_of(optimizer, update), strict=True)) == {
        "lr": 0.25, "eps": 1e-8, "beta1": 0.5, "beta2": 0.75,
    }  # fmt: skip
    optimizer.param_groups[0]["lr"] = 0.5
    assert update_of(optimizer) is update, "a live parameter is no part of the text"
    assert scalars_of(optimizer, update)[0] == 0.5


@pytest.mark.parametrize("options", [{"foreach": True}, {"capturable": True}, {"decoupled_weight_decay": True}])
def test_options_that_the_catalog_has_not_are_left_to_the_plain_engine(options: dict[str, bool]) -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))], **options)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match=f"special implementation .{next(iter(options))}"):
        update_of(optimizer)


def test_the_conflict_of_nesterov_is_the_catalogs() -> None:
    optimizer = preset("spiral").experiment.optimizer
    for changed, words in (({"momentum": 0.0}, "'momentum' is 0"), ({"dampening": 0.5}, "'dampening' is not 0")):
        with pytest.raises(ValueError, match=words):
            OptimizerSpec(type="SGD", params={**optimizer.params, "nesterov": True, **changed})
