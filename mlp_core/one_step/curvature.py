"""A step of L-BFGS, iteration by iteration: it moves all weights together, and asks for gradients between its moves.

What `torch.optim.LBFGS` does is watched while it does it. Its rule is then run as text with the gradients, and with a
line search the lengths, that were seen, which gives the same bits (Nocedal and Wright, "Numerical Optimization", 2006,
algorithm 7.4).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlp_core.one_step.records import ParameterStep, UpdateLine
from mlp_core.one_step.update import changed, number_at, statements

_FIRST = (
    "d = g.neg()  # nothing is known of the curvature: down the slope",
    "scale = 1",
)
_LATER = (
    "y = g.sub(previous)  # how the gradient has changed",
    "s = d.mul(t)  # over this move",
    "if y.dot(s) > 1e-10:",
    "    if len(moves) == history_size:",
    "        del moves[0], changes[0], factors[0]",
    "    moves.append(s)",
    "    changes.append(y)",
    "    factors.append(1.0 / y.dot(s))",
    "    scale = y.dot(s) / y.dot(y)",
    "q = g.neg()",
    "for i in reversed(range(len(moves))):",
    "    shares[i] = moves[i].dot(q) * factors[i]",
    "    q.add_(changes[i], alpha=-shares[i])",
    "d = q.mul(scale)",
    "for i in range(len(moves)):",
    "    share = changes[i].dot(d) * factors[i]",
    "    d.add_(moves[i], alpha=shares[i] - share)",
)


class ClosureStep:
    """One step of L-BFGS: what it kept before, and every gradient and length of a move that it made."""

    def __init__(self, optimizer: torch.optim.LBFGS) -> None:
        self._optimizer = optimizer
        self._group = dict(optimizer.param_groups[0])
        self._first = self._group["params"][0]
        self._before = {name: _copy(value) for name, value in optimizer.state.get(self._first, {}).items()}
        self._gradients: list[Tensor] = []
        self._lengths: list[Any] = []
        self._tries: list[tuple[Any, Tensor]] = []
        self._trying: Any = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While the step is made; `seen` is called after each evaluation."""
        optimizer: Any = self._optimizer
        add, evaluate = optimizer._add_grad, optimizer._directional_evaluate

        def moved(length: Any, direction: Tensor) -> None:
            if self._trying is None:
                self._moved(length)
            add(length, direction)

        def tried(closure: Any, weights: Any, length: Any, direction: Tensor) -> Any:
            self._trying = length
            try:
                return evaluate(closure, weights, length, direction)
            finally:
                self._trying = None

        optimizer._add_grad, optimizer._directional_evaluate = moved, tried
        try:
            yield
        finally:
            del optimizer._add_grad, optimizer._directional_evaluate

    def seen(self) -> None:
        """Keep the gradient that has just been computed."""
        gradient = self._optimizer._gather_flat_grad().clone()  # type: ignore[no-untyped-call]
        if self._trying is None:
            self._gradients.append(gradient)
        else:
            self._tries.append((self._trying, gradient))

    def _moved(self, length: Any) -> None:
        """The gradient after the search along a line is the one of the try that it has chosen."""
        self._lengths.append(length)
        if self._tries:
            unmoved = self._gradients[-1]
            self._gradients.append(next((found for tried, found in self._tries if tried is length), unmoved))
            self._tries.clear()

    def lines(
        self, parameters: Sequence[ParameterStep], parameter: ParameterStep, index: tuple[int, ...]
    ) -> tuple[tuple[UpdateLine, ...], Tensor]:
        """The lines of every iteration with what each makes of the number at an index of a parameter.

        With the whole parameter (shape as before) after them.
        """
        before = list(parameters)[: [each.name for each in parameters].index(parameter.name)]
        start = sum(each.before.size for each in before)
        place = start + int(np.ravel_multi_index(index, parameter.before.shape)) if index else start
        names = self._start(parameter)
        total = sum(each.before.size for each in parameters)
        found = []
        for text, node in self._statements(start, parameter.before.size):
            exec(compile(ast.Module([node], []), "<update>", "exec"), {"torch": torch}, names)  # no user's text
            results = []
            for name in changed(node):
                value = names[name]
                if isinstance(value, Tensor) and value.shape == (total,):
                    results.append((name, float(value[place])))
                elif (number := number_at(value, parameter.before.shape, index)) is not None:
                    results.append((name, number))
            found.append(UpdateLine(text=text, results=tuple(results)))
        return tuple(found), names["p"]

    def _start(self, parameter: ParameterStep) -> dict[str, Any]:
        kept, gradients, lengths = self._before, iter(self._gradients), iter(self._lengths)
        return {
            "p": torch.from_numpy(parameter.before.copy()),
            "gradient": lambda: next(gradients),
            "search": lambda length: next(lengths),
            "shares": {},
            "d": kept.get("d"),
            "t": kept.get("t"),
            "previous": kept.get("prev_flat_grad"),
            "scale": kept.get("H_diag", 1),
            "moves": list(kept.get("old_stps") or ()),
            "changes": list(kept.get("old_dirs") or ()),
            "factors": list(kept.get("ro") or ()),
            "lr": float(self._group["lr"]),
            "history_size": self._group["history_size"],
        }

    def _statements(self, start: int, size: int) -> Iterator[tuple[str, ast.stmt]]:
        """The lines of all iterations."""
        done = int(self._before.get("n_iter", 0))
        made = int(self._optimizer.state[self._first]["n_iter"]) - done
        for at in range(made):
            first = done + at == 0
            lines = [f"# Iteration {at + 1}", "g = gradient()  # of all weights, laid end to end"]
            lines += _FIRST if first else _LATER
            lines += ["previous = g", "t = min(1.0, 1.0 / g.abs().sum()) * lr" if first else "t = lr"]
            if at < len(self._lengths):  # else the slope along d is so small that it ends here
                if self._group["line_search_fn"] is not None:
                    lines.append("t = search(t)  # a length that the strong Wolfe conditions accept")
                lines.append(f"p.add_(d[{start}:{start + size}].view_as(p), alpha=t)")
            yield from statements(tuple(lines))


def _copy(value: Any) -> Any:
    """What stays as it is when the optimizer goes on: it changes lists, and one of its vectors, in place."""
    return value.clone() if isinstance(value, Tensor) else list(value) if isinstance(value, list) else value
