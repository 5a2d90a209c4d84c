"""The experiment as code: one style, or two side by side."""

from __future__ import annotations

from html import escape

import streamlit as st

from mlp_core.errors import UserError
from mlp_core.export import STYLES, exactness, file_name, notebook, refuses, script
from mlp_core.export.compare import Row, compare
from mlp_core.spec import Experiment
from mlp_core.training.record import told
from mlp_core.training.session import Session
from pages.shared import editor

WEIGHTS_FILE = "weights.safetensors"
NOTHING = "nothing"
STATE_SECONDS = 2.0


def code_tab(session: Session) -> None:
    """Draw the tab."""
    current = editor.experiment()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        style = st.selectbox(
            "Style", list(STYLES), key="export_style", format_func=_label, width=330,
            help="Ways to write the same network. Each prints the same numbers.",
        )  # fmt: skip
        other = st.selectbox(
            "Compare with", [NOTHING, *(name for name in STYLES if name != style)], key="export_other",
            format_func=_label, width=330, help="Shows both side by side, with what differs marked.",
        )  # fmt: skip
        trained = st.toggle(
            "Load the trained weights", key="export_trained",
            help="The script then trains nothing: it loads the weights of the second tab, and checks that they give "
            "the loss and accuracy that the Playground shows.",
        )  # fmt: skip
    st.caption(f"{STYLES[style].summary} Good for: {STYLES[style].when}")
    if reason := refuses(current, style):
        st.info(reason, icon=":material/lightbulb:")
        return
    _promise(session, current, style, trained)
    options = _weights(session) if trained else {"operations": told(session.snapshot().surgeries)}
    if options is None:
        st.info("There is nothing trained yet: press Train in the Playground first.", icon=":material/lightbulb:")
        return
    try:
        text, book = script(current, style, **options), notebook(current, style, **options)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    with st.container(horizontal=True):
        st.download_button("Script (.py)", text, file_name(current, style), "text/x-python", icon=":material/download:",
                           key="download-script", on_click="ignore", type="primary")  # fmt: skip
        st.download_button("Notebook (.ipynb)", book, file_name(current, style, ".ipynb"), "application/x-ipynb+json",
                           icon=":material/download:", key="download-notebook", on_click="ignore")  # fmt: skip
    if other == NOTHING:
        st.code(text, language="python", line_numbers=True)
    elif reason := refuses(current, other):
        st.info(f"{STYLES[other].label}: {reason}", icon=":material/lightbulb:")
        st.code(text, language="python", line_numbers=True)
    else:
        _side_by_side(style, text, other, script(current, other, **options))


def _label(name: str) -> str:
    return STYLES[name].label if name in STYLES else name


def _promise(session: Session, current: Experiment, style: str, trained: bool) -> None:
    """Whether the script will print the same digits, and if not, why."""
    reasons = [reason for reason in (exactness(current, style), *session.snapshot().inexact) if reason]
    if not reasons:
        said = "loads the trained weights and checks them." if trained else "prints the numbers that this run shows."
        st.success(f"On the CPU, with the same version of PyTorch, this script {said}", icon=":material/check:")
        return
    advice = "" if trained else " Press Reset to train it again from its seed, or load the trained weights instead."
    st.warning(
        f"The script will not repeat this run to the last digit. {' '.join(reasons)}{advice}", icon=":material/info:"
    )


def _weights(session: Session) -> dict[str, object] | None:
    state = session.weights("current", STATE_SECONDS)
    if state is None or state.step == 0:
        return None
    return {"weights": WEIGHTS_FILE, "test_loss": state.test_loss, "accuracy": state.test_accuracy}


def _side_by_side(left_style: str, left: str, right_style: str, right: str) -> None:
    rows = "".join(map(_row, compare(left, right)))
    head = "".join(
        f'<th colspan="2" scope="col">{escape(STYLES[name].label)}</th>' for name in (left_style, right_style)
    )
    columns = '<col class="number"><col>' * 2
    st.html(f'<div class="code-compare"><table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")  # fmt: skip


def _row(row: Row) -> str:
    if row.folded:
        return f'<tr class="folded"><td colspan="4">{row.folded} equal lines</td></tr>'
    cells = ""
    for side in (row.left, row.right):
        number, text = ("", "") if side is None else (str(side[0]), escape(side[1]))
        kind = "absent" if side is None else "differs" if row.differs else "same"
        cells += f'<td class="number">{number}</td><td class="{kind}"><code>{text}</code></td>'
    return f"<tr>{cells}</tr>"
