"""JAX in its quickest form: `lax.scan` over the steps of a chunk, compiled as a whole, data on the device as float32.

Shapes are fixed when it is compiled, so a last batch that is not full is left out. The order of the samples comes
from NumPy, a chunk at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.cases import Case

CHUNK_FLOATING_POINT = 5e9
"""Operations of a chunk, some tenths of a second: calling it costs nothing against that."""
LARGEST_CHUNK = 5000
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's, as in PyTorch."""

Tree = Any


class Trainer:
    """Parameters and optimizer state as a tree of arrays, handed from chunk to chunk."""

    def __init__(self, case: Case) -> None:
        import jax

        jax.block_until_ready(jax.jit(lambda x: jax.lax.scan(lambda a, b: (a + b, a), 0.0, x))(jax.numpy.ones(3)))
        self._jax, self._case = jax, case
        dataset = case.dataset()
        x = dataset.x_train.reshape(dataset.train_size, -1).astype(np.float32) / np.float32(dataset.divisor)
        self._x, self._y = jax.device_put(x), jax.device_put(dataset.y_train.astype(np.int32))
        operations = 6 * case.batch * sum(a * b for a, b in zip(case.widths, case.widths[1:], strict=False))
        self._chunk = int(max(1, min(LARGEST_CHUNK, CHUNK_FLOATING_POINT / operations)))
        self._orders = _orders(dataset.train_size, case.batch, self._chunk)

    def build(self) -> None:
        """Draw the weights and compile."""
        jax, jnp, case = self._jax, self._jax.numpy, self._case
        chance = np.random.default_rng(0)
        weights = []
        for inputs, outputs in zip(case.widths, case.widths[1:], strict=False):
            bound = 1 / np.sqrt(inputs)
            shapes = ((inputs, outputs), (outputs,))
            weights.append(tuple(jnp.asarray(chance.uniform(-bound, bound, shape), jnp.float32) for shape in shapes))
        zeros = jax.tree.map(jnp.zeros_like, weights)
        self._state = (weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.float32(0))
        activation = {"Tanh": jnp.tanh, "ReLU": jax.nn.relu}[case.activation]
        update = {"SGD": self._sgd, "Adam": self._adam}[case.optimizer.type]

        def loss(weights: Tree, x: Any, y: Any) -> Any:
            for weight, bias in weights[:-1]:
                x = activation(x @ weight + bias)
            weight, bias = weights[-1]
            shares = jax.nn.log_softmax(x @ weight + bias)
            return -jnp.take_along_axis(shares, y[:, None], axis=1).mean()

        def chunk(state: Tree, all_x: Any, all_y: Any, order: Any) -> Any:
            def step(state: Tree, rows: Any) -> Any:
                value, gradients = jax.value_and_grad(loss)(state[0], all_x[rows], all_y[rows])
                return update(state, gradients), value

            return jax.lax.scan(step, state, order)

        compiled = jax.jit(chunk, donate_argnums=0)
        self._run = compiled.lower(self._state, self._x, self._y, next(self._orders)).compile()

    def _sgd(self, state: Tree, gradients: Tree) -> Tree:
        weights, moved, unused, count = state
        rate, momentum = self._case.optimizer.params["lr"], self._case.optimizer.params["momentum"]
        tree = self._jax.tree
        if momentum:
            moved = gradients = tree.map(lambda m, g: momentum * m + g, moved, gradients)
        return tree.map(lambda w, g: w - rate * g, weights, gradients), moved, unused, count

    def _adam(self, state: Tree, gradients: Tree) -> Tree:
        weights, mean, square, count = state
        rate, tree, jnp = self._case.optimizer.params["lr"], self._jax.tree, self._jax.numpy
        count = count + 1
        mean = tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, mean, gradients)
        square = tree.map(lambda s, g: BETA_2 * s + (1 - BETA_2) * g * g, square, gradients)
        step = rate / (1 - BETA_1**count)
        scale = jnp.sqrt(1 - BETA_2**count)
        weights = tree.map(lambda w, m, s: w - step * m / (jnp.sqrt(s) / scale + EPSILON), weights, mean, square)
        return weights, mean, square, count

    def train(self, seconds: float) -> tuple[int, float]:
        """Chunk after chunk; the losses of each are read, as ours are."""
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self._state, losses = self._run(self._state, self._x, self._y, next(self._orders))
            np.asarray(losses)
            steps += self._chunk
        return steps, time.perf_counter() - began


def _orders(samples: int, batch: int, chunk: int) -> Iterator[np.ndarray]:
    """Rows of each batch, int32 (chunk, batch), epoch after epoch."""
    chance = np.random.default_rng(0)
    full = samples - samples % batch
    left = np.empty((0, batch), dtype=np.int32)
    while True:
        parts, have = [left], len(left)
        while have < chunk:
            parts.append(chance.permutation(samples)[:full].astype(np.int32).reshape(-1, batch))
            have += len(parts[-1])
        joined = np.concatenate(parts)
        left = joined[chunk:]
        yield joined[:chunk]
