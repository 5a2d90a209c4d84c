"""torchvision imports beside the PyTorch that is installed; each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    ).stdout


WORKS = """
from torchvision import datasets, transforms, ops
assert compat.import_torchvision() is torchvision is sys.modules["torchvision"]
assert datasets.CIFAR10.tgz_md5
assert transforms.ToTensor()
print("declared", len(compat._kept))
"""


def test_imports_after_an_import_that_failed_and_leaves_a_good_one_alone() -> None:
    out = run(
        "import sys\nfrom mlp_core import torchvision_compat as compat\n"
        "try:\n    import torchvision\n    print('needed 0')\n"
        "except RuntimeError:\n    print('needed 1')\n"
        "torchvision = compat.import_torchvision()\n" + WORKS
    )
    needed, declared = (int(line.split()[1]) for line in out.splitlines())
    assert declared == needed


@pytest.mark.parametrize("message", ["out of luck", "operator other::nms does not exist"])
def test_other_faults_are_not_hidden(tmp_path: Path, message: str) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(f"raise RuntimeError({message!r})")
    out = run(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from mlp_core import torchvision_compat as compat\n"
        "try:\n    compat.import_torchvision()\n"
        "except RuntimeError as error:\n    print(error)\n"
        "assert 'torch' not in sys.modules and not compat._kept"
    )
    assert out.strip() == message
