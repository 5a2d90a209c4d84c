"""The loop of the tutorials: a `DataLoader` that makes each batch out of single samples, images through `ToTensor`."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_all_start_methods
from typing import Any

from benchmarks.cases import Case
from benchmarks.peers import eager


class Trainer(eager.Trainer):
    """The plain loop behind a DataLoader."""

    WORKERS = 0

    def _batches(self, case: Case) -> Iterator[tuple[object, object]]:
        from torch.utils.data import DataLoader

        workers: dict[str, Any] = {}
        if self.WORKERS:
            # A copy of this process, as on Linux by default: it need not read the data again.
            method = "fork" if "fork" in get_all_start_methods() else None
            workers = {"num_workers": self.WORKERS, "persistent_workers": True, "multiprocessing_context": method}
        return self._tools.endless(DataLoader(_samples(case), batch_size=case.batch, shuffle=True, **workers))


def _samples(case: Case) -> Any:
    """torchvision's own data set, which opens each sample as a picture, or the rows of two tensors."""
    import torch

    dataset = case.dataset()
    if len(dataset.facts.sample_shape) == 1:
        return torch.utils.data.TensorDataset(torch.tensor(dataset.x_train), torch.tensor(dataset.y_train))
    from mlp_core.torchvision_compat import import_torchvision

    torchvision = import_torchvision()
    kind = getattr(torchvision.datasets, dataset.spec.dataset)
    samples = kind.__new__(kind)  # without reading files: the arrays are here, and may be made up
    samples.transform, samples.target_transform = torchvision.transforms.ToTensor(), None
    if dataset.facts.sample_shape[0] == 1:
        samples.data, samples.targets = torch.tensor(dataset.x_train[:, 0]), torch.tensor(dataset.y_train)
    else:
        samples.data = dataset.x_train.transpose(0, 2, 3, 1).copy()
        samples.targets = dataset.y_train.tolist()
    return samples
