"""The public names of the library: documented, loaded on demand, and each of them real."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlp_core

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


def test_the_examples_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "guide"}
    assert len(EXAMPLES) > 6
    for example in EXAMPLES:
        exec(compile(example, "docs/api.md", "exec"), space)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moons.onnx", "moons.safetensors", "moons.zip"]


@pytest.mark.parametrize("name", mlp_core.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(mlp_core, name) is not None
    assert name in dir(mlp_core)


def test_every_name_is_the_same_to_a_type_checker() -> None:
    tree = ast.parse(Path(mlp_core.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == {name: f"mlp_core.{place}" for name, place in mlp_core._PLACES.items()}


def test_no_name_is_that_of_a_module() -> None:
    modules = {path.stem for path in (ROOT / "mlp_core").iterdir()}
    assert not modules & set(mlp_core.__all__)


def test_what_people_use_most_is_in_the_guide() -> None:
    unknown = {name for name in mlp_core.__all__ if not re.search(rf"\b{name}\b", GUIDE)}
    assert unknown <= {"Dataset", "Run", "Weights", "export_notebook", "DataError", "SchedulerSpec"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mlp_core.nonsense
    with pytest.raises(ImportError):
        exec("from mlp_core import nonsense")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, json, mlp_core; a = [*sys.modules]; "
        "from mlp_core import Experiment, preset, to_link, make_plan, Session, load_data, CATALOGS; "
        "make_plan(preset('spiral').experiment); "
        "print(json.dumps([[m for m in ('pydantic', 'torch') if m in a], "
        "[m for m in ('torch', 'sklearn', 'onnx', 'PIL') if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], []]
