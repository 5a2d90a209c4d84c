"""One training step as a flat graph of ATen operators: forward, loss and the gradient of every weight."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx

from mlp_core.run.build import Run
from mlp_core.run.nogil import TRACING
from mlp_core.run.objective import objective


class UnsupportedError(Exception):
    """Why a run cannot leave the reference engine, as the end of a sentence that begins with 'because'."""


def trace(run: Run, batch_size: int) -> fx.GraphModule:
    """The graph of one step on a batch of this size.

    Inputs, in order: every trained parameter, every parameter of frozen layers, every buffer, x, y, and the gradient of
    the loss (a scalar one). Outputs: the loss, then the gradient of every trained parameter. Buffers that the step
    changes are changed in place. Shapes and module settings are constants of the graph. Raises `UnsupportedError` where
    a step's operators depend on the data.
    """
    model = _without_numbers(run.model)
    names = [name for name, parameter in run.model.named_parameters() if parameter.requires_grad]
    frozen = [name for name, parameter in run.model.named_parameters() if not parameter.requires_grad]
    fixed_names = [*frozen, *(name for name, _ in run.model.named_buffers())]
    count = len(names)

    def step(*values: Tensor) -> tuple[Tensor, ...]:
        parameters, fixed = values[:count], values[count:-3]
        x, y, seed = values[-3:]
        named = dict(zip(names, parameters, strict=True)) | dict(zip(fixed_names, fixed, strict=True))
        outputs = torch.func.functional_call(model, named, (run.scaled(x),))
        loss = run.loss(outputs, y)
        total = objective(loss, parameters, run.experiment.training)
        return (loss, *torch.autograd.grad(total, parameters, grad_outputs=seed))

    examples = [
        *(parameter.detach().requires_grad_() for parameter in run.trained),
        *(tensor.detach() for tensor in run.fixed),
        *(_example(values, batch_size) for values in (run.batches.x, run.batches.y)),
        torch.ones((), dtype=torch.float32),
    ]
    try:
        with TRACING, torch.enable_grad():
            # Fake tensors have shapes and no values: nothing is computed, drawn or changed while tracing. The weights
            # of classes that a loss holds are constants of the graph.
            return make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)(*examples)
    except Exception as error:
        if "to not have been used in the graph" in str(error):
            raise UnsupportedError("the loss does not depend on some of its weights") from error
        reason = (str(error).splitlines() or [""])[0][:200]
        raise UnsupportedError(f"its step could not be traced ({type(error).__name__}: {reason})") from error


def _without_numbers(model: nn.Module) -> nn.Module:
    """A copy of a network without memory for its weights. A trace puts others in their place, and the network itself
    may be in use by another thread."""
    parameters = {id(p): nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad) for p in model.parameters()}
    buffers = {id(b): torch.empty_like(b, device="meta") for b in model.buffers()}
    return copy.deepcopy(model, {**parameters, **buffers})


def _example(values: Tensor, batch_size: int) -> Tensor:
    return torch.empty((batch_size, *values.shape[1:]), dtype=values.dtype)


def size_of(node: fx.Node) -> tuple[int, ...]:
    """The shape of a node's tensor."""
    return tuple(node.meta["val"].shape)


def is_contiguous(node: fx.Node) -> bool:
    """Whether a node's tensor lies in memory row by row without gaps."""
    return bool(node.meta["val"].is_contiguous())


def same_layout(first: fx.Node, second: fx.Node) -> bool:
    """Whether two nodes' tensors have the same shape, strides and offset into their storage."""
    a, b = first.meta["val"], second.meta["val"]
    return bool(
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.stride() == b.stride()
        and a.storage_offset() == b.storage_offset()
    )


def schema_of(node: fx.Node) -> Any:
    """The operator's signature; raises `UnsupportedError` for a node that is no ATen operator."""
    if not isinstance(node.target, torch._ops.OpOverload):
        raise UnsupportedError(f"its step uses {node.target}, which is not an operator of PyTorch's core")
    return node.target._schema


def is_view(node: fx.Node) -> bool:
    """Whether the operator returns another look at its first argument's memory."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return False
    returns = node.target._schema.returns
    alias = returns[0].alias_info if len(returns) == 1 else None
    return alias is not None and not node.target._schema.is_mutable and str(returns[0].type) == "Tensor"
