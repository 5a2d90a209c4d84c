"""The optimizer's update of one parameter, line by line: the catalog's text of it, run with the numbers of the step."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.one_step.records import ParameterStep, UpdateLine
from mlp_core.run.build import Run

_FUNCTIONS = {"torch": torch, "math": math}


def written_update(run: Run) -> UpdateByHand | None:
    """The catalog's text of the update as the optimizer is set now; None where there is none.

    A fused update follows the same rule with fewer roundings.
    """
    entry = run.experiment.optimizer.entry
    if entry.by_hand is None:
        return None
    group = run.optimizer.param_groups[0]  # a schedule or a user may have changed what the experiment began with
    return entry.by_hand({name: group.get(name, value) for name, value in run.experiment.optimizer.params.items()})


def update_lines(
    written: UpdateByHand, parameter: ParameterStep, index: tuple[int, ...]
) -> tuple[tuple[UpdateLine, ...], Tensor]:
    """The lines with what each makes of the number at an index, and the whole parameter (shape as before) after them.

    The tensors are as large as the parameter, because PyTorch's operators round by how many numbers there are.
    """
    names = _start(written, parameter)
    lines = []
    for text, node in _statements((*written.scalars, *written.lines)):
        code = compile(ast.Module([node], []), "<update>", "exec")
        exec(code, _FUNCTIONS, names)  # the catalog's own text, no user's
        results = tuple((name, _number(names[name], index)) for name in _changed(node) if name in names)
        lines.append(UpdateLine(text=text, results=results))
    return tuple(lines), names["p"]


def _start(written: UpdateByHand, parameter: ParameterStep) -> dict[str, Any]:
    """The names that the lines use, as they are before the first one."""
    names: dict[str, Any] = dict(written.settings)
    state = parameter.state_before
    for tensor in written.state:
        kept = state.get(tensor.key)
        names[tensor.name] = torch.full(parameter.before.shape, tensor.fill) if kept is None else _tensor(kept)
    for number in written.numbers:
        names[number.name] = torch.tensor(state.get(number.key, number.fill), dtype=torch.float32)
    counted = float(state.get("step", 0.0))
    names["step"] = counted + 1 if written.counts else 1 if not state else 2
    names["p"], names["g"] = _tensor(parameter.before), _tensor(parameter.used)
    return names


def _tensor(values: Any) -> Tensor:
    return torch.from_numpy(values.copy())


def _statements(lines: tuple[str, ...]) -> Iterator[tuple[str, ast.stmt]]:
    """Each statement with its text; comments that stand alone go with the one after them."""
    above: list[str] = []
    first = 0
    source = "\n".join(lines)
    for node in ast.parse(source).body:
        text = source.splitlines()[first : node.end_lineno]
        above, first = text, node.end_lineno or 0
        yield "\n".join(above), node


def _changed(node: ast.stmt) -> list[str]:
    """The names that a statement sets or changes in place, in order."""
    found: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.append(part.id)
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            base: ast.expr = part
            while isinstance(base, ast.Call | ast.Attribute):
                base = base.func if isinstance(base, ast.Call) else base.value
            if part.func.attr.endswith("_") and isinstance(base, ast.Name):
                found.append(base.id)
            found += [word.value.id for word in part.keywords if word.arg == "out" and isinstance(word.value, ast.Name)]
    return list(dict.fromkeys(found))


def _number(value: Any, index: tuple[int, ...]) -> float:
    if isinstance(value, Tensor):
        return float(value[index] if value.ndim else value)
    return float(value)


def state_of_number(state: Mapping[str, Any], shape: tuple[int, ...], index: tuple[int, ...]) -> dict[str, float]:
    """What an optimizer keeps for one number of a parameter: of its arrays those with a place for it.

    An array with one number for a whole row or column gives that.
    """
    found = {}
    for name, value in state.items():
        if isinstance(value, float):
            found[name] = value
        elif value.ndim == len(shape) and all(size in (1, of) for size, of in zip(value.shape, shape, strict=True)):
            place = tuple(0 if size == 1 else at for size, at in zip(value.shape, index, strict=True))
            found[name] = float(value[place])
    return found
