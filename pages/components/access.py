"""What every page has for keyboards and screen readers: shortcuts with a sheet of them, names, focus, and a welcome.

The script is mounted once by the navigation. It finds the controls of a page by their keys; a page without them has no
such shortcut.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import streamlit as st

from pages.components.assets import loader, packed

_MOUNT = st.components.v2.component("access", js=loader("access.js"), isolate_styles=False)


@dataclass(frozen=True)
class Shortcut:
    """A key that presses a button of the page, never while a field is typed in."""

    key: str
    """The key as a browser names it."""
    shown: str
    """The key as people name it."""
    does: str
    """What it does, for the sheet."""
    button: str = ""
    """The key of the element with the button; '' for the sheet itself."""
    control: bool = False
    """Whether Ctrl is held, or Cmd on a Mac."""
    shift: bool = False
    """Whether Shift is held; said of letters only."""


SHORTCUTS = (
    Shortcut(" ", "Space", "Train, or pause", "main_action"),
    Shortcut("s", "S", "Step: train on one mini-batch", "step"),
    Shortcut("r", "R", "Reset: back to the initial weights", "reset"),
    Shortcut("z", "Ctrl + Z", "Undo the last edit", "undo", control=True),
    Shortcut("z", "Ctrl + Shift + Z, Ctrl + Y", "Redo it", "redo", control=True, shift=True),
    Shortcut("y", "", "", "redo", control=True),
    Shortcut("?", "?", "Show this list"),
)
"""In the order of the sheet, which leaves out what has nothing to show."""
EVERYWHERE = (
    ("Tab, Shift + Tab", "Go to the next control, or the one before"),
    ("Enter, Space", "Press the button that has the focus"),
    ("Arrow keys", "Move within tabs, menus, choices and the network diagram"),
    ("Esc", "Close what is open"),
)
"""Keys that work as everywhere else, for the sheet too."""


@dataclass(frozen=True)
class Step:
    """A step of the welcome."""

    target: str
    """What it speaks of, as a CSS selector."""
    text: str
    """What it says, in at most twenty words."""


WELCOME = (
    Step(".st-key-bar .st-key-main_action",
         "Press Train: the network learns to tell the colours apart, and the loss falls. Press again to pause."),
    Step(".st-key-network", "This is the network. Add layers and neurons, or change the activation; "
         "then train again and compare."),
    Step("a[href$='/export'], .rc-overflow-item:last-child [data-testid='stTopNavSection']",
         "Export gives you all of it as PyTorch code, with the weights and a link to share."),
)  # fmt: skip
"""Shown on the Playground to those who have not closed it before."""


def access(*, welcome: bool) -> None:
    """Put the script on the page; `welcome` unless the reader came for an experiment of a link."""
    data = {
        "shortcuts": [asdict(shortcut) for shortcut in SHORTCUTS],
        "everywhere": EVERYWHERE,
        "welcome": [asdict(step) for step in WELCOME] if welcome else [],
    }
    _MOUNT(key="access", data=packed(data))
