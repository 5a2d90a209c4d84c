"""Lightning in its quickest form: `barebones`, batches cut out of tensors; the start of `fit` is not timed."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from benchmarks.cases import Case


class Trainer:
    """A LightningModule that is fitted anew each turn, going on with the same weights and optimizer."""

    def __init__(self, case: Case) -> None:
        from benchmarks.peers import pytorch
        from mlp_core.torchvision_compat import import_torchvision

        import_torchvision()  # Lightning imports it, and the CPU builds of some systems need mending first
        import lightning

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
        self._lightning, self._tools, self._case = lightning, pytorch, case
        pytorch.settle(case)
        self._batches = pytorch.TensorBatches(*pytorch.tensors(case), case.batch)

    def build(self) -> None:
        """The module."""
        from torch import nn

        tools, case = self._tools, self._case

        class Network(self._lightning.LightningModule):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.network, self.loss = tools.network(case), nn.CrossEntropyLoss()
                self.steps = tools.optimizer(case, self.network)

            def training_step(self, batch: Any, _: int) -> Any:
                x, y = batch
                return self.loss(self.network(x), y)

            def configure_optimizers(self) -> Any:
                return self.steps

        self._module = Network()

    def train(self, seconds: float) -> tuple[int, float]:
        """One `fit`, timed from its first batch to its last."""
        clock = _clock(self._lightning, seconds)
        trainer = self._lightning.Trainer(barebones=True, accelerator="cpu", max_epochs=-1, callbacks=[])
        trainer.callbacks.append(clock)
        trainer.fit(self._module, train_dataloaders=self._batches)
        return clock.steps, clock.ended - clock.began


def _clock(lightning: Any, seconds: float) -> Any:
    class Clock(lightning.Callback):  # type: ignore[misc]
        """Counts steps, and ends the fit when the time is over."""

        began = ended = 0.0
        steps = 0

        def on_train_batch_start(self, *_: Any) -> None:
            self.began = self.began or time.perf_counter()

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            self.steps += 1
            self.ended = time.perf_counter()
            trainer.should_stop = self.ended - self.began >= seconds

    return Clock()
