"""A user's own images: brought as a zip, shown as they are, and said what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Literal

import pandas as pd
import streamlit as st

from mlp_core.catalog.images import PARAMETERS, Archive, archive_of, image_shape
from mlp_core.data import data_folder, is_present
from mlp_core.data.image_inspection import (
    ImageInspection,
    add_archive,
    differs,
    open_archive_file,
    propose,
    warnings,
)
from mlp_core.data.waiting import Report
from mlp_core.errors import UserError
from mlp_core.figures import plain
from mlp_core.presets import image_network
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, Experiment
from pages.data.reading import progress_bar
from pages.shared import editor
from pages.shared.layout import as_text
from pages.shared.link import hidden, locked
from pages.shared.widgets import parameter_widget

KNOWN = "image_inspection"
SHOWN_FILES = 1000
"""Files that are left out and listed at most."""
FEW_ROWS, SCROLLED = 12, 420
"""So many rows of a table are shown at once; more are scrolled through, in so many pixels."""


def bring(source: IO[bytes], name: str, show: Report, copied: Callable[[], None]) -> tuple[str, ...]:
    """Make an uploaded archive the experiment's data; returns what is to be said of it. Raises `UserError`.

    `copied` is called as soon as the file is in the data folder.
    """
    old = editor.experiment().data
    wanted = archive_of(old.params) if old.dataset == "images" else None
    missing = wanted is not None and not is_present(old)
    inspection, removed = add_archive(source, name, data_folder(), progress=show, copied=copied)
    st.session_state[KNOWN] = inspection
    params = propose(inspection)
    if wanted is not None and wanted.file.sha256 == inspection.file.sha256:
        params = {**old.params, "archive": params["archive"]}  # the size and colours that were chosen for it
    adopt(params)
    said = differs(wanted.file, inspection.file) if wanted is not None and missing else ""
    return (*([said] if said else []), *removed)


def adopt(params: dict[str, object]) -> None:
    """Make images with these parameters the experiment's data; raises `SpecError`."""
    old = editor.experiment()
    split = {field: getattr(old.data, field) for field in ("test_fraction", "validation_fraction", "seed")}
    editor.adopt(with_data(old, DataSpec(dataset="images", params=params, **split)))


def inspection_of(archive: Archive) -> ImageInspection | None:
    """What the archive holds; None where it is not there, which is said."""
    known: ImageInspection | None = st.session_state.get(KNOWN)
    if known is not None and known.file == archive.file:
        return known
    try:
        with progress_bar(archive.file.name) as show:
            found = open_archive_file(archive.file, data_folder(), progress=show)
    except UserError as error:
        st.warning(as_text(error), icon=":material/upload_file:")
        return None
    st.session_state[KNOWN] = found
    return found


def images_area(archive: Archive, inspection: ImageInspection) -> None:
    """Size and colours to choose, and what the archive holds."""
    file = archive.file
    st.markdown(
        f"**{as_text(file.name)}**: {archive.images:,} images of {len(archive.classes):,} classes, "
        f"{as_text(f'{file.size / 1e6:,.1f}')} MB"
    )
    for sentence in warnings(inspection):
        st.warning(as_text(sentence), icon=":material/info:")
    _made_into(inspection)
    _network()
    left, right = st.columns([1.4, 1], gap="medium")
    with left:
        _classes(inspection)
    with right:
        _sizes(inspection)
    _left_out(inspection)


def _made_into(inspection: ImageInspection) -> None:
    """The fields for size and colours, and the way back to what is proposed."""
    params = editor.experiment().data.params
    fields = st.columns(3, gap="small")
    for place, parameter in zip(fields, PARAMETERS[1:], strict=True):
        with place:
            parameter_widget(
                parameter, params[parameter.name], f"data-images-{parameter.name}",
                lambda value, name=parameter.name: editor.set_param("data", name, value),
            )  # fmt: skip
    channels, height, width = image_shape(params)
    proposed = {name: value for name, value in propose(inspection).items() if name != "archive"}
    inputs = f"{channels} × {height} × {width}" if channels > 1 else f"{height} × {width}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(as_text(f"The network sees {inputs} = {channels * height * width:,} numbers of each image, 0 to 1."))
        if any(params[name] != value for name, value in proposed.items()) and not hidden("data"):
            said = f"{proposed['height']}×{proposed['width']} pixels, {proposed['colours']}"
            st.button(
                f"Back to {said}", key="images-proposed", type="tertiary", icon=":material/undo:",
                disabled=locked("data"), on_click=_use, args=(proposed,),
            )  # fmt: skip


def _use(proposed: dict[str, object]) -> None:
    editor.edit("data", lambda old: old.updated(data=old.data.updated(params={**old.data.params, **proposed})))


def _network() -> None:
    """Offer a network that learns images, where the experiment has another."""
    current = editor.experiment()
    suggested = image_network(current)
    if suggested == current or hidden("network"):
        return

    def use(old: Experiment) -> Experiment:
        return image_network(old)

    widths = ", ".join(str(layer.params["out_features"]) for layer in suggested.layers[:-1] if "out_features" in
                       layer.params)  # fmt: skip
    st.button(
        f"Use a network for images: {widths} ReLUs, Adam, batches of {suggested.training.batch_size}",
        key="image-network", icon=":material/hub:", disabled=locked("network"),
        on_click=lambda: editor.edit("data", use),
        help="A network that learns most small images in a minute or two. Yours is replaced.",
    )  # fmt: skip


def _classes(inspection: ImageInspection) -> None:
    official = inspection.archive.official_split
    rows = []
    for name, (train, test) in inspection.counts.items():
        images = {"training": train, "test": test} if official else {"images": train}
        rows.append({"class": plain(name, 60), **images})
    most = max(max(counts) for counts in inspection.counts.values())
    bars = {
        name: st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most, width="small")
        for name in (("training", "test") if official else ("images",))
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=_height(rows), column_config=bars)
    if not official:
        st.caption("The test part is drawn from all of them, by the share of the split.")


def _sizes(inspection: ImageInspection) -> None:
    sizes = inspection.survey.sizes
    rows = [{"height × width": f"{height} × {width}", "images": count} for (height, width), count in sizes]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=_height(rows))
    colours = "Some have colours." if inspection.survey.colour else "All are grey."
    st.caption(f"{'One size' if len(sizes) == 1 else f'{len(sizes):,} sizes'}. {colours}")


def _height(rows: Sequence[object]) -> int | Literal["content"]:
    return "content" if len(rows) <= FEW_ROWS else SCROLLED


def _left_out(inspection: ImageInspection) -> None:
    left_out = inspection.left_out
    if not left_out:
        return
    bad = len(inspection.survey.bad)
    files = "1 file is" if len(left_out) == 1 else f"{len(left_out):,} files are"
    damaged = f", {bad:,} of them damaged" if bad and len(left_out) > 1 else ""
    with st.expander(f"{files} left out{damaged}", icon=":material/block:"):
        rows = [{"file": plain(file.path, 200), "why": plain(file.reason, 200)} for file in left_out[:SHOWN_FILES]]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        if len(left_out) > SHOWN_FILES:
            st.caption(f"The first {SHOWN_FILES:,} are listed.")
