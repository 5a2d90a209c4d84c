"""A network's state: its tensors by name, and whether they are those of an experiment's network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlp_core.catalog.parameters import shorten
from mlp_core.errors import SpecError, UserError
from mlp_core.plan import plan
from mlp_core.problems import width_problems
from mlp_core.spec import Experiment

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mlp_core.run.build import Run

Kind = tuple[str, tuple[int, ...]]
"""The type and the shape of a tensor, the type as the safetensors format calls it."""

_NAMES = {"float32": "F32", "int64": "I64"}
_OTHER_NETWORK = "Choose the weights of this very network."


def load_into(run: Run, tensors: Mapping[str, Tensor]) -> None:
    """Put a network's state into a run, in place; its optimizer, position and random numbers stay as they are.

    Raises `SpecError` if the tensors are not those of the run's network, and then changes nothing.
    """
    import torch

    check_state(run.experiment, tensors)
    with torch.no_grad():
        for name, target in run.model.state_dict().items():
            target.copy_(tensors[name])


def state_of(run: Run) -> dict[str, Tensor]:
    """A copy of the run's network on the CPU, by the names of its state dict."""
    return {name: tensor.detach().cpu().clone() for name, tensor in run.model.state_dict().items()}


def plan_tensors(experiment: Experiment) -> dict[str, Kind]:
    """The type ('F32') and shape of every tensor of the network's state dict, found without memory for a number.

    Raises `SpecError` or `TooLargeError` for an experiment that cannot be built.
    """
    import torch

    from mlp_core.run.build import build_model

    planned = plan(experiment)
    for problem in width_problems(experiment, planned):
        raise SpecError(problem.message)
    with torch.device("meta"):
        return {name: kind_of(tensor) for name, tensor in build_model(planned).state_dict().items()}


def network(experiment: Experiment, tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """The experiment's network with this state, on the CPU, for predictions; raises as `check_state`."""
    import torch

    from mlp_core.run.build import build_model

    check_state(experiment, tensors)
    with torch.device("meta"):  # without memory, and without drawing initial weights that nobody needs
        model = build_model(plan(experiment))
    model.load_state_dict({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, assign=True)
    return model.eval().requires_grad_(False)


def check_state(experiment: Experiment, tensors: Mapping[str, Tensor]) -> None:
    """Raise `SpecError` for the first tensor that is not one of the experiment's network, or not finite."""
    check_kinds(plan_tensors(experiment), {name: kind_of(tensor) for name, tensor in tensors.items()})
    check_finite(tensors)


def kind_of(tensor: Tensor) -> Kind:
    """The type and the shape of a tensor."""
    name = str(tensor.dtype).removeprefix("torch.")
    return _NAMES.get(name, name), tuple(tensor.shape)


def check_kinds(expected: Mapping[str, Kind], found: Mapping[str, Kind]) -> None:
    """Raise `SpecError` for the first tensor that is missing, too many, or of another type or shape."""
    for name in expected:
        if name not in found:
            raise SpecError(f"The weights lack the tensor {name!r} of the network. {_OTHER_NETWORK}")
    for name in found:
        if name not in expected:
            raise SpecError(f"The weights hold a tensor {shorten(name)} that the network has not. {_OTHER_NETWORK}")
    for name, (kind, shape) in expected.items():
        if found[name] != (kind, shape):
            raise SpecError(
                f"The tensor {name!r} of the weights must be {kind} of shape {list(shape)}. "
                f"Got {found[name][0]} of shape {shorten(list(found[name][1]))} instead. {_OTHER_NETWORK}"
            )


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    import torch

    for name, tensor in tensors.items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            raise SpecError(
                f"The tensor {name!r} of the weights holds {bad} numbers that are NaN or infinite. "
                "Take the weights of an earlier step."
            )


def missing_package(name: str) -> UserError:
    """The error for a package of requirements.txt that is not installed."""
    return UserError(f"The package {name} is not installed. Run: pip install {name}")
