"""Files of a trained network and of its experiment, down and up, and the link to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import streamlit as st

from mlp_core.catalog import CONTROLS
from mlp_core.data.dataset import Dataset
from mlp_core.errors import UserError
from mlp_core.link import url
from mlp_core.spec import Experiment
from mlp_core.training.session import Session
from pages.export.code import STATE_SECONDS, WEIGHTS_FILE
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.numbers import loss_text, size_in_bytes

if TYPE_CHECKING:
    from mlp_core.export.weights import Weights

MADE = "made_file"
CHECKED_SAMPLES = 1000
NOW, LOWEST_TEST, LOWEST_VALIDATION = "now", "lowest test loss", "lowest validation loss"


def weights_tab(session: Session) -> None:
    """The trained network as a file, and back."""
    st.markdown("**Take the trained network along**")
    lowest = LOWEST_TEST if editor.experiment().data.validation_fraction is None else LOWEST_VALIDATION
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Weights of", [NOW, lowest], default=NOW, required=True, key=f"export_which-{lowest}",
            help=f"The weights as they are now, or as they were when the {lowest.removeprefix('lowest ')} was lowest.",
        )  # fmt: skip
        kind = st.selectbox(
            "File", list(_KINDS), key="export_kind", width=330, format_func=lambda name: _KINDS[name][0],
            help="safetensors: the weights with the experiment inside. ONNX: the network for other programs. "
            "Zip: a program that predicts on its own.",
        )  # fmt: skip
        if st.button("Make the file", key="make-file", icon=":material/build:"):
            _make(session, "best" if which == lowest else "current", kind)
    if (made := st.session_state.get(MADE)) is not None:
        name, content, said = made
        st.download_button(f"Download {name} ({size_in_bytes(len(content))})", content, name, key="download-made",
                           icon=":material/download:", type="primary", on_click="ignore")  # fmt: skip
        st.caption(said)
    st.markdown("**Bring a trained network back**")
    key = editor.key("upload-weights")
    st.file_uploader(
        "A .safetensors file of the playground", type=["safetensors"], key=key,
        on_change=lambda: _read_upload(key, lambda content: _load_weights(session, content)),
        help="Its experiment replaces the one in the Playground. Shapes and numbers are checked first.",
    )  # fmt: skip
    _refusal()


def experiment_tab(session: Session) -> None:
    """The experiment as JSON, down and up, and as a link."""
    current = editor.experiment()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**The experiment as a file**")
        st.caption("Every setting, with a version number: what `python -m mlp_core train` reads.")
        st.download_button("Experiment (.json)", current.to_json(2), "experiment.json", "application/json",
                           icon=":material/download:", key="download-experiment", on_click="ignore")  # fmt: skip
        key = editor.key("upload-experiment")
        st.file_uploader(
            "Open an experiment", type=["json"], key=key,
            on_change=lambda: _read_upload(key, _open_experiment),
        )  # fmt: skip
        _refusal()
        with st.expander("View JSON"):
            st.code(current.to_json(2), language="json")
    with right:
        st.markdown("**Share link**")
        st.caption(
            "Opens the same page anywhere that this playground runs; Train then gives the same run. It holds settings, "
            "not weights. For a class, controls can be hidden or fixed."
        )
        hide = st.multiselect("Hide", list(CONTROLS), key="link_hide", format_func=_control)
        lock = st.multiselect("Fix at their value", list(CONTROLS), key="link_lock", format_func=_control)
        base = (st.context.url or "http://localhost:8501/").split("?")[0].removesuffix("export")
        try:
            st.code(url(base, current, hide, lock), language="text", wrap_lines=True)
        except UserError as error:  # a table of many columns
            st.info(as_text(error), icon=":material/link_off:")


def _control(name: str) -> str:
    return CONTROLS[name].label


def _make(session: Session, which: Literal["current", "best"], kind: str) -> None:
    st.session_state.pop(MADE, None)
    state, dataset = session.weights(which, STATE_SECONDS), session.snapshot().dataset
    if state is None or dataset is None or dataset.spec != state.experiment.data:
        st.info("The network is not built yet. Wait until the Playground says 'ready'.", icon=":material/lightbulb:")
        return
    _, name, make = _KINDS[kind]
    try:
        with st.spinner("Making the file…"):
            content, said = make(dataset, state)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    known = {"validation": state.validation_loss, "test": state.test_loss}
    loss = "".join(f", {part} loss {loss_text(value)}" for part, value in known.items() if value is not None)
    st.session_state[MADE] = (name, content, f"Weights of step {state.step:,}{loss}. {said}")


def _weights_file(dataset: Dataset, state: Weights) -> tuple[bytes, str]:
    from mlp_core.export.preprocessing import preprocessing_of
    from mlp_core.export.weights import save

    content = save(
        state.experiment, state.tensors, step=state.step, test_loss=state.test_loss,
        preprocessing=preprocessing_of(state.experiment, dataset),
    )  # fmt: skip
    return content, "`python -m mlp_core predict` reads it, and so does the field below."


def _onnx_file(dataset: Dataset, state: Weights) -> tuple[bytes, str]:
    import torch

    from mlp_core.export.onnx import export_onnx, largest_difference

    content = export_onnx(state.experiment, state.tensors, probabilities=True)
    x = torch.from_numpy(dataset.x_test[:CHECKED_SAMPLES].astype("float32")) / dataset.divisor
    difference = largest_difference(content, state.experiment, state.tensors, x)
    return content, f"Checked with ONNX Runtime: within {difference:.1e} of PyTorch on {len(x):,} test samples."


def _zip_file(dataset: Dataset, state: Weights) -> tuple[bytes, str]:
    from mlp_core.export.bundle import bundle
    from mlp_core.export.preprocessing import preprocessing_of

    preprocessing = preprocessing_of(state.experiment, dataset)
    content = bundle(state.experiment, state.tensors, preprocessing, step=state.step, test_loss=state.test_loss,
                     operations=state.operations)  # fmt: skip
    return content, "Unpack it and run `python model.py`: it says how to predict on your own data."


_KINDS: dict[str, tuple[str, str, Callable[[Dataset, Weights], tuple[bytes, str]]]] = {
    "weights": ("Weights (.safetensors)", WEIGHTS_FILE, _weights_file),
    "onnx": ("ONNX model (.onnx)", "model.onnx", _onnx_file),
    "zip": ("Program with weights (.zip)", "model.zip", _zip_file),
}


def _read_upload(key: str, use: Callable[[bytes], None]) -> None:
    """Hand an uploaded file on, and draw all of the page with what it brings; what it is refused for is said below the
    field, and nothing is changed."""
    uploaded = st.session_state[key]
    if uploaded is None:
        return
    try:
        use(uploaded.getvalue())
    except UserError as error:
        editor.say("export", str(error))
    st.rerun()


def _refusal() -> None:
    if message := editor.refusal("export"):
        st.error(message, icon=":material/block:")


def _load_weights(session: Session, content: bytes) -> None:
    from mlp_core.export.weights import load

    found = load(content)
    editor.adopt(found.experiment)
    session.apply(found.experiment, found.tensors)
    st.session_state.pop(MADE, None)
    st.toast("The weights are loaded: see the Playground.", icon=":material/check:")


def _open_experiment(content: bytes) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError("The experiment is not UTF-8 text. Choose the file that the playground wrote.") from None
    editor.adopt(Experiment.from_json(text))
    st.toast("The experiment is open: see the Playground.", icon=":material/check:")
