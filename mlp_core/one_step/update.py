"""The optimizer's update of one parameter, line by line: the catalog's text of it, run with the numbers of the step."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.one_step.records import ParameterStep, UpdateLine
from mlp_core.run.build import Run

_FUNCTIONS = {"torch": torch, "math": math}


def written_update(run: Run, shape: tuple[int, ...]) -> UpdateByHand | None:
    """The catalog's text of the update of a parameter of this shape, as the optimizer is set now.

    None where all parameters are updated together. A fused update follows the same rule with fewer roundings.
    """
    entry = run.experiment.optimizer.entry
    group = run.optimizer.param_groups[0]  # a schedule or a user may have changed what the experiment began with
    params = {name: group.get(name, value) for name, value in run.experiment.optimizer.params.items()}
    if entry.by_hand is not None:
        return entry.by_hand(params)
    return None if entry.update_text is None else entry.update_text(params, shape)


def update_lines(
    written: UpdateByHand, parameter: ParameterStep, index: tuple[int, ...]
) -> tuple[tuple[UpdateLine, ...], Tensor]:
    """The lines with what each makes of the number at an index, and the whole parameter (shape as before) after them.

    The tensors are as large as the parameter, because PyTorch's operators round by how many numbers there are.
    """
    names = _start(written, parameter)
    lines = []
    for text, node in statements((*written.scalars, *written.lines)):
        code = compile(ast.Module([node], []), "<update>", "exec")
        exec(code, _FUNCTIONS, names)  # the catalog's own text, no user's
        found = [(name, number_at(names[name], parameter.before.shape, index)) for name in changed(node)]
        lines.append(UpdateLine(text=text, results=tuple((name, value) for name, value in found if value is not None)))
    return tuple(lines), names["p"]


def _start(written: UpdateByHand, parameter: ParameterStep) -> dict[str, Any]:
    """The names that the lines use, as they are before the first one."""
    names: dict[str, Any] = dict(written.settings)
    state = parameter.state_before
    for tensor in written.state:
        kept = state.get(tensor.key)
        shape = list(parameter.before.shape)
        if tensor.axis is not None:
            shape[tensor.axis] = 1
        names[tensor.name] = torch.full(shape, tensor.fill) if kept is None else _tensor(kept)
    for number in written.numbers:
        names[number.name] = torch.tensor(state.get(number.key, number.fill), dtype=torch.float32)
    counted = float(state.get("step", 0.0))
    names["step"] = counted + 1 if written.counts else 1 if not state else 2
    names["p"], names["g"] = _tensor(parameter.before), _tensor(parameter.used)
    return names


def _tensor(values: Any) -> Tensor:
    return torch.from_numpy(values.copy())


def statements(lines: tuple[str, ...]) -> Iterator[tuple[str, ast.stmt]]:
    """Each statement with its text; comments that stand alone go with the one after them."""
    above: list[str] = []
    first = 0
    source = "\n".join(lines)
    for node in ast.parse(source).body:
        text = source.splitlines()[first : node.end_lineno]
        above, first = text, node.end_lineno or 0
        yield "\n".join(above), node


def changed(node: ast.stmt) -> list[str]:
    """The names that a statement sets or changes in place, in order."""
    found: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.append(part.id)
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            base: ast.expr = part
            while isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute) and base.func.attr.endswith("_"):
                base = base.func.value  # in place of what is in front of it
            if base is not part and isinstance(base, ast.Name):
                found.append(base.id)
            found += [word.value.id for word in part.keywords if word.arg == "out" and isinstance(word.value, ast.Name)]
    loops = [part.target for part in ast.walk(node) if isinstance(part, ast.For)]
    counters = {target.id for target in loops if isinstance(target, ast.Name)}
    return [name for name in dict.fromkeys(found) if name not in counters]


def number_at(value: Any, shape: tuple[int, ...], index: tuple[int, ...]) -> float | None:
    """What a value has for one number of a parameter of a shape; None where it has no place for it.

    An array with one number for a whole row or column gives that.
    """
    if not isinstance(value, Tensor | np.ndarray):
        return float(value)
    if value.ndim == 0:
        return float(value)
    if value.ndim != len(shape) or any(size not in (1, of) for size, of in zip(value.shape, shape, strict=True)):
        return None
    return float(value[tuple(0 if size == 1 else at for size, at in zip(value.shape, index, strict=True))])


def state_of_number(state: Mapping[str, Any], shape: tuple[int, ...], index: tuple[int, ...]) -> dict[str, float]:
    """What an optimizer keeps for one number of a parameter: of its arrays those with a place for it."""
    found = {name: number_at(value, shape, index) for name, value in state.items()}
    return {name: value for name, value in found.items() if value is not None}
