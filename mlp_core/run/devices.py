"""Which devices exist here, and what a run falls back to."""

from __future__ import annotations

import torch

from mlp_core.catalog import DEVICES


def available() -> tuple[str, ...]:
    """Names of the catalog's devices that this machine has, best for large networks first."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return tuple(name for name in ("cuda", "mps", "cpu") if present[name])


def resolve(name: str) -> tuple[torch.device, str]:
    """The device to run on, and a sentence when it is another than the one asked for (else '')."""
    if name in available():
        return torch.device(name), ""
    return torch.device("cpu"), f"This machine has no {DEVICES[name].label} device, so the run is on the CPU."


def describe(device: torch.device) -> str:
    """The device for people, such as 'CPU' or 'CUDA (name of the card)'."""
    label = DEVICES[device.type].label
    return f"{label} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else label
