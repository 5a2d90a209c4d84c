"""Files out of Streamlit's hands: it holds each while its page is open, and copies it for every run of the page."""

from __future__ import annotations

import io
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


@dataclass
class Upload:
    """A file that was brought to a field."""

    file_id: str
    """What Streamlit calls it."""
    name: str
    """Its name on the user's machine."""
    content: io.BytesIO
    """Its bytes, of which there is no other copy."""


def take(key: str) -> Upload | None:
    """The file in the field of this key, once; None where there is none that was not taken before.

    Call it before the field is drawn: the field's value is a copy, which is empty after that. The file waits in the
    session state until `done`, so that a run of the page that is broken off does not lose it.
    """
    waiting, taken = f"{key}_waiting", f"{key}_taken"
    value = st.session_state.get(key)
    if isinstance(value, UploadedFile) and st.session_state.get(taken) != value.file_id:
        st.session_state[taken] = value.file_id
        # The bytes themselves, not a copy of them: neither object has changed them.
        st.session_state[waiting] = Upload(value.file_id, value.name, io.BytesIO(value.getvalue()))
        value.seek(0)
        value.truncate()
        context = get_script_run_ctx()
        remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context is not None else None
        if context is not None and remove is not None:
            remove(context.session_id, value.file_id)
    found: Upload | None = st.session_state.get(waiting)
    return found


def done(key: str) -> None:
    """The file of that field is not needed any more."""
    upload: Upload | None = st.session_state.pop(f"{key}_waiting", None)
    if upload is not None:
        upload.content.close()
