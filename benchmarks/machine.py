"""What the figures were measured on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.options import Row
from mlp_core.processor.policy import cores

PACKAGES = ("torch", "torchvision", "streamlit", "numpy", "scikit-learn", "lightning", "jax")

__all__ = ["cores", "machine", "processor", "versions"]


def machine() -> Row:
    """Processor, cores, memory, how busy the machine is already, and the versions that matter."""
    import psutil

    return {
        "processor": processor(),
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(psutil.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        **versions(PACKAGES),
    }


def processor(information: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's own name; on Linux `platform.processor` does not know it."""
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed version of each package, 'absent' for one that is not there."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
