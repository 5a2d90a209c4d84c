"""The gradient of one weight by the chain rule, its factors named, with a number for each sample.

For weight w_ij of a Linear layer, z = x W^T + b, that is dL/dw_ij = sum over samples of dL/dz_i · x_j; where
activations follow, dL/dz_i = dL/da_i · f'(z_i). For parameters with no such form the vector-Jacobian product of their
layer, which autograd computes, is taken for each sample by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mlp_core.one_step.places import WeightPlace
from mlp_core.one_step.records import ChainRule, Doubles, Factor
from mlp_core.one_step.tape import Tape, alone
from mlp_core.plan import LayerPlan, Plan
from mlp_core.run.build import Run
from mlp_core.spec import TrainingSpec


def chain_rule(run: Run, tape: Tape, place: WeightPlace) -> ChainRule:
    """The chain rule for one weight of the pass on the tape."""
    layer = layer_of(run.plan, place.parameter)
    own = place.parameter.removeprefix(f"{layer.name}.")
    local = _local_factor(tape, layer, own, place)
    explained = ""
    if local is None:
        factors = [_vector_jacobian(run, tape, layer, place)]
        explained = (
            f"{place.parameter} acts on many outputs of {_called(layer)} at once, so its factors are not single "
            "numbers: each term is autograd's vector–Jacobian product of that layer for one sample."
        )
    else:
        upstream = _upstream(run.plan, tape, layer, place.index[0])
        factors = [*upstream, *([] if local.symbol == "1" else [local])]
        if upstream[0].symbol.endswith("z_i}"):
            explained = _why_whole(run.plan, layer)
    terms = np.prod([factor.values for factor in factors], axis=0)
    product = r" \cdot ".join(factor.symbol for factor in factors)
    added = tuple(_penalties(run.experiment.training, dict(run.model.named_parameters())[place.parameter], place))
    more = r" + \text{penalty}" if added else ""
    formula = rf"\frac{{\partial L}}{{\partial w}} = \sum_{{s=1}}^{{{len(terms)}}} {product}{more}"
    return ChainRule(formula=formula, factors=tuple(factors), terms=terms, added=added, explained=explained)


def layer_of(plan: Plan, parameter: str) -> LayerPlan:
    """The innermost layer that a parameter belongs to."""
    holders = [layer for layer in plan.walk() if parameter.startswith(f"{layer.name}.")]
    return max(holders, key=lambda layer: len(layer.name))


def _called(layer: LayerPlan) -> str:
    return f"layer {layer.name} ({layer.spec.entry.label})"


def _after(plan: Plan, layer: LayerPlan) -> tuple[LayerPlan, ...]:
    """The layers that come after one in its own list."""
    siblings = next(layers for layers in plan.lists() if layer in layers)
    return siblings[siblings.index(layer) + 1 :]


def _upstream(plan: Plan, tape: Tape, layer: LayerPlan, unit: int) -> list[Factor]:
    """dL/dz of one output of a layer, through the activations that follow as far as they are functions of one value."""
    factors: list[Factor] = []
    last = layer
    for follower in _after(plan, layer):
        if not alone(follower):
            break
        last = follower
        if follower.spec.entry.family == "shape":
            continue
        prime = "f'" if follower.spec.type != "Dropout" else r"\tfrac{m}{1-p}"
        count = sum(1 for factor in factors if factor.symbol.startswith(prime))
        symbol = rf"{prime}{'' if count == 0 else f'_{{{count + 1}}}'}" + ("(z_i)" if prime == "f'" else "")
        name = f"slope of {_called(follower)} for neuron {unit}"
        if follower.spec.entry.random:
            name = f"what {_called(follower)} multiplied neuron {unit} by, its draws as they were"
        values = _numbers(tape.slopes[follower.name][:, unit])
        head = "m / (1 − p)" if follower.spec.type == "Dropout" else "f′(z)"
        factors.append(Factor(name=name, symbol=symbol, head=head, values=values))
    through = "a_i" if factors else "z_i"
    origin = f"dL/d(output {unit} of {_called(last)}), which came back from {_source(plan, last)}"
    first = Factor(
        name=origin,
        symbol=rf"\frac{{\partial L}}{{\partial {through}}}",
        head=f"dL/d{through[0]}",
        values=_numbers(tape.output_gradients[last.name][:, unit]),
    )
    return [first, *reversed(factors)]


def _source(plan: Plan, layer: LayerPlan) -> str:
    """Where the gradient of a layer's output comes from, in words."""
    after = _after(plan, layer)
    if after:
        return _called(after[0])
    if len(layer.path) > 1:
        return f"the end of the block around {_called(layer)}"
    return "the loss"


def _why_whole(plan: Plan, layer: LayerPlan) -> str:
    after = next((follower for follower in _after(plan, layer) if not alone(follower)), None)
    if after is None:
        return ""
    return (
        f"The next layer, {_called(after)}, works on several values at once, so dL/dz is taken as autograd's "
        "vector–Jacobian product through it."
    )


def _local_factor(tape: Tape, layer: LayerPlan, own: str, place: WeightPlace) -> Factor | None:
    """The derivative of a layer's output by one of its numbers, (n,); None where it has no simple form."""
    x = tape.inputs[layer.name].detach()
    kind, unit = layer.spec.type, place.index[0]
    if kind == "Linear":
        if own == "bias":
            return Factor(name="derivative of a sum by its bias", symbol="1", head="1", values=np.ones(len(x)))
        j = place.index[1]
        return Factor(name=f"input {j} of {_called(layer)}", symbol="x_j", head="x", values=_numbers(x[:, j]))
    if kind in _NORMALISED:
        if own == "bias":
            return Factor(name="derivative of a sum by its shift", symbol="1", head="1", values=np.ones(len(x)))
        values = _NORMALISED[kind](_numbers(x), layer)[:, unit]
        name = f"normalised input {unit} of {_called(layer)}"
        return Factor(name=name, symbol=r"\hat x_j", head="normalised x", values=values)
    if kind == "PReLU" and layer.spec.params["num_parameters"] == layer.in_features:
        values = np.minimum(_numbers(x[:, unit]), 0.0)
        name = f"negative part of input {unit} of {_called(layer)}"
        return Factor(name=name, symbol=r"\min(0, x_j)", head="min(0, x)", values=values)
    return None


def _vector_jacobian(run: Run, tape: Tape, layer: LayerPlan, place: WeightPlace) -> Factor:
    """What each sample adds to the gradient, by autograd: dL/dy of its row alone, times the layer's Jacobian."""
    output, upstream = tape.outputs[layer.name], tape.output_gradients[layer.name]
    parameter = dict(run.model.named_parameters())[place.parameter]
    values = np.zeros(len(output))
    for sample in range(len(output)):
        only = torch.zeros_like(upstream)
        only[sample] = upstream[sample]
        (found,) = torch.autograd.grad(output, parameter, only, retain_graph=True, allow_unused=True)
        values[sample] = 0.0 if found is None else found[place.index].item()
    return Factor(
        name=f"vector–Jacobian product of {_called(layer)}: dL/dy of one sample, times dy/dw",
        symbol=r"\Big(\frac{\partial L}{\partial y}\Big)^{\!\top} \frac{\partial y}{\partial w}",
        head="dL/dy · dy/dw",
        values=values,
    )


def _penalties(training: TrainingSpec, parameter: Tensor, place: WeightPlace) -> Iterator[tuple[str, float]]:
    """The slopes of the penalties, which matrices have."""
    if parameter.ndim < 2:
        return
    value = float(parameter.detach()[place.index])
    if training.l1_penalty > 0:
        yield "L1 penalty: λ · sign(w)", training.l1_penalty * float(np.sign(value)) / training.accumulate_grad_batches
    if training.l2_penalty > 0:
        yield "L2 penalty: 2 λ w", 2 * training.l2_penalty * value / training.accumulate_grad_batches


def _numbers(tensor: Tensor) -> Doubles:
    return tensor.detach().cpu().numpy().astype(np.float64)


def _centred(x: Doubles, axis: int, eps: float) -> Doubles:
    found: Doubles = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)
    return found


def _batch_norm(x: Doubles, layer: LayerPlan) -> Doubles:
    return _centred(x, 0, layer.spec.params["eps"])


def _layer_norm(x: Doubles, layer: LayerPlan) -> Doubles:
    return _centred(x, 1, layer.spec.params["eps"])


def _rms_norm(x: Doubles, layer: LayerPlan) -> Doubles:
    eps = layer.spec.params["eps"]
    eps = float(np.finfo(np.float32).eps) if eps is None else eps
    found: Doubles = x / np.sqrt((x**2).mean(1, keepdims=True) + eps)
    return found


_NORMALISED = {"BatchNorm1d": _batch_norm, "LayerNorm": _layer_norm, "RMSNorm": _rms_norm}
"""What the scale of a normalisation multiplies, from the layer's input (n, features)."""
