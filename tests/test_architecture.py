"""The shape of the house: who may import whom, what a first page may load, and who may start a thread."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "mlp_core"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(CORE.rglob("*.py"))
}

ORDER = [
    ["mlp_core.errors", "mlp_core.limits", "mlp_core.processor", "mlp_core.figures", "mlp_core.torchvision_compat"],
    ["mlp_core.cluster", "mlp_core.evaluation", "mlp_core.formula"],
    ["mlp_core.catalog"],
    ["mlp_core.params", "mlp_core.strict_json", "mlp_core.versions"],
    ["mlp_core.spec"],
    ["mlp_core.plan", "mlp_core.timing", "mlp_core.presets", "mlp_core.data"],
    ["mlp_core.diagram", "mlp_core.link", "mlp_core.locks", "mlp_core.problems", "mlp_core.changes",
     "mlp_core.settings", "mlp_core.summary"],
    ["mlp_core.edits", "mlp_core.health"],
    ["mlp_core.run"],
    ["mlp_core.activations", "mlp_core.engines", "mlp_core.export", "mlp_core.surgery", "mlp_core.views"],
    ["mlp_core.one_step", "mlp_core.predict"],
    ["mlp_core.influence", "mlp_core.landscape"],
    ["mlp_core.training"],
    ["mlp_core.race", "mlp_core.store", "mlp_core.tuning"],
    ["mlp_core.sweep"],
    ["mlp_core.commands"],
    ["mlp_core.__main__"],
]  # fmt: skip
"""Each row may import from the rows above it, and a package or module from itself."""

RANKS = {name: rank for rank, row in enumerate(ORDER) for name in row}
THREAD_STARTERS = {"mlp_core.training.driver", "mlp_core.processor.workers", "mlp_core.processor.process",
                   "mlp_core.cluster.cluster", "mlp_core.cluster.relay"}  # fmt: skip
"""The session's thread and the processor's, the process of a package that holds the GIL for seconds, and the process
that talks to Ray, with a thread for each piece of work."""


def home(module: str) -> str | None:
    """The row's entry that a module belongs to."""
    found = [name for name in RANKS if module == name or module.startswith(name + ".")]
    return max(found, key=len) if found else None


@cache
def tree_of(name: str) -> ast.Module:
    """A module's syntax tree, which several tests look at."""
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@cache
def imports(name: str) -> tuple[tuple[str, int], ...]:
    """Every module that a module imports, wherever in it, with the line."""
    return tuple(_imports(name))


def _imports(name: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            base = node.module or ""
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner if inner in MODULES else base), node.lineno


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 30
    assert ("mlp_core.catalog.entry", 10) in [(n, 10) for n, _ in imports("mlp_core.spec")]


def test_the_core_knows_no_page() -> None:
    for name in MODULES:
        for imported, line in imports(name):
            assert imported.split(".")[0] not in {"streamlit", "pages", "app"}, f"{name}:{line} imports {imported}"


def test_imports_run_one_way() -> None:
    homeless = [name for name in MODULES if name != "mlp_core" and home(name) is None]
    assert not homeless, f"{homeless} have no place in ORDER"
    backwards = []
    for name in MODULES:
        own = home(name)
        for imported, line in imports(name):
            if own is None or imported == "mlp_core" or not imported.startswith("mlp_core"):
                continue
            other = home(imported)
            assert other is not None, f"{imported} has no place in ORDER"
            if other != own and RANKS[other] >= RANKS[own]:
                backwards.append(f"{name}:{line} imports {imported}, which comes later")
    assert not backwards


def test_figures_need_only_arrays() -> None:
    for name in MODULES:
        if not name.startswith("mlp_core.figures"):
            continue
        for imported, line in imports(name):
            top = imported.split(".")[0]
            inside = imported.startswith("mlp_core.figures")
            assert inside or top == "numpy" or top in sys.stdlib_module_names, f"{name}:{line} imports {imported}"


def test_catalog_and_spec_need_nothing_heavy() -> None:
    for name in MODULES:
        if home(name) in {f"mlp_core.{room}" for room in ("catalog", "spec", "plan", "problems", "presets")}:
            outside = {imported.split(".")[0] for imported, _ in imports(name)} - set(sys.stdlib_module_names)
            assert outside <= {"mlp_core", "pydantic", "pydantic_core"}, name


@pytest.mark.parametrize(
    "name",
    ["mlp_core.training.session", "mlp_core.plan", "mlp_core.presets", "mlp_core.figures", "mlp_core.data",
     "mlp_core.__main__", "mlp_core.training.history", "mlp_core.views"],
)  # fmt: skip
def test_a_first_page_loads_nothing_heavy(name: str) -> None:
    heavy = ["torch", "sklearn", "torchvision", "plotly", "pandas", "streamlit", "scipy"]
    code = f"import sys, json, {name}; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def _starts_threads(tree: ast.AST) -> Iterator[int]:
    """Lines that make threads, pools or processes."""
    makers = {"Thread", "Timer", "ThreadPool", "ThreadPoolExecutor", "ProcessPoolExecutor", "Process", "Pool",
              "start_new_thread", "to_thread", "run_in_executor"}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in makers:
                yield node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if any(n.split(".")[0] in {"concurrent", "multiprocessing", "_thread", "subprocess"} for n in names):
                yield node.lineno
        elif isinstance(node, ast.ClassDef):
            for base in node.bases:
                if getattr(base, "attr", getattr(base, "id", "")) in makers:
                    yield node.lineno


def test_only_these_start_threads_and_processes() -> None:
    others = MODULES.keys() - THREAD_STARTERS
    found = [f"{name}:{line}" for name in sorted(others) for line in _starts_threads(tree_of(name))]
    assert found == [], "each starts a thread or process"


def test_the_scan_for_threads_can_fail() -> None:
    text = (CORE / "training/driver.py").read_text(encoding="utf-8")
    assert list(_starts_threads(ast.parse(text)))
    for line in (
        "import threading\nthreading.Thread()",
        "from concurrent.futures import Executor",
        "class A(Thread): ...",
    ):
        assert list(_starts_threads(ast.parse(line)))


def test_no_page_script_lies_directly_in_pages() -> None:
    # Streamlit would take it for a page of its own, beside the navigation of app.py.
    assert [path.name for path in (ROOT / "pages").glob("*.py") if path.name != "__init__.py"] == []


def test_nothing_in_the_core_uses_the_global_seed() -> None:
    for name in MODULES:
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in {"torch.manual_seed", "torch.seed", "np.random.seed", "random.seed"}, name


def _fields_without_words(tree: ast.AST) -> Iterator[str]:
    """Public fields of public records that have no docstring under them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        made = [ast.unparse(decorator) for decorator in node.decorator_list]
        if not any(decorator.startswith("dataclass") for decorator in made):
            continue
        for field, below in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and not ast.unparse(field.target).startswith("_"):
                words = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                if not words:
                    yield f"{node.name}.{ast.unparse(field.target)}"


def test_every_field_of_a_record_says_what_it_is() -> None:
    assert [f"{name}: {field}" for name in MODULES for field in _fields_without_words(tree_of(name))] == []


def test_the_scan_for_fields_can_fail() -> None:
    text = '@dataclass\nclass A:\n    x: int\n    y: int\n    """Words."""\n    _z: int = 0\n'
    assert list(_fields_without_words(ast.parse(text))) == ["A.x"]


def test_names_of_test_files_are_unique() -> None:
    """Without packages, pytest imports each by its name alone."""
    names = [path.name for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    assert sorted(set(names)) == sorted(names)
