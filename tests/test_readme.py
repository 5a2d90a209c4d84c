"""The README tells the truth: every command in it is run, and every file that it names exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(language: str) -> list[str]:
    """The lines of the README's code blocks in a language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("command", [line for line in commands("sh") if line.startswith("python")])
def test_a_python_command_works(command: str, tmp_path: Path) -> None:
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("command", "does"),
    [("make run", "bin/streamlit run app.py --server.port 8501"), ("make test", "bin/python -m pytest")],
)
def test_a_make_command_installs_and_does_what_is_said(command: str, does: str, tmp_path: Path) -> None:
    assert command in commands("sh")
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "requirements.txt", "requirements-cluster.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    plan = subprocess.run(
        ["make", "-n", *command.split()[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    steps = ["-m venv .venv", "-r requirements.txt", does]
    places = [plan.find(step) for step in steps]
    assert -1 not in places, plan
    assert places == sorted(places), plan


def test_the_windows_commands_name_files_that_exist() -> None:
    named = [word for line in commands("bat") for word in line.split() if word.endswith((".txt", ".py"))]
    assert {"requirements.txt", "requirements-dev.txt", "app.py"} <= set(named)
    assert all((ROOT / name).is_file() for name in named)


def test_pictures_and_folders_exist() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 2
    assert all((ROOT / picture).is_file() for picture in pictures)
    rows = re.findall(r"^\| (`[^|]+`) \|", README, flags=re.MULTILINE)
    assert rows
    for row in rows:
        folder = Path()
        for name in re.findall(r"`([^`]+)`", row):
            place = ROOT / name if (ROOT / name).exists() else ROOT / folder / name
            assert place.exists(), f"the README names {name}"
            if "/" in name:
                folder = Path(name) if name.endswith("/") else Path(name).parent


def test_the_version_pins_stand() -> None:
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "torch==2.13.*" in pins
    assert "torchvision==0.28.*" in pins
