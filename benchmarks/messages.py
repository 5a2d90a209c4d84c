"""Streamlit's messages as a browser understands them: which widgets there are, what runs by itself, what is shown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

STOPPED = {"ready", "paused", "finished", "diverged", "failed", "no data"}
"""The words that the page has for a run that stands still."""

_STEPS = re.compile(r'"([\d,]+) steps"')
_STATUS = re.compile(r'"label":\s*"status",\s*"value":\s*"([^"]+)"')
_VERSION = re.compile(r'"version":\s*(\d+)')
_AT = re.compile(r'"at":\s*([\d.]+)')
_RUN = re.compile(r'"run":\s*"([^"]+)"')
_SLIDER = re.compile(r'"end":\s*(\d+),\s*"fork":\s*(?:null|\d+),\s*"trains":\s*(true|false)')


@dataclass(frozen=True)
class Sight:
    """What one message shows of the run."""

    steps: int
    """Steps done."""
    status: str
    """The page's word for what the run does."""
    at: float | None
    """When that was so, in Unix seconds; None if the message does not say."""
    version: int = 0
    """Higher the newer it is; messages do not arrive in that order."""
    run: str = ""
    """Which run it is; '' if the message does not say."""

    @property
    def stopped(self) -> bool:
        """Whether the run stands still."""
        return self.status in STOPPED


def sight(text: str) -> Sight | None:
    """Read the JSON of a component that shows the numbers of the run; None for one that does not."""
    steps = _STEPS.search(text)
    if steps is None:
        return None
    status = _STATUS.search(text)
    return _sight(text, int(steps[1].replace(",", "")), json.loads(f'"{status[1]}"') if status else "")


def slider_sight(text: str) -> Sight | None:
    """The same from the slider over the run, which pages have that show no numbers of it."""
    slider = _SLIDER.search(text)
    return None if slider is None else _sight(text, int(slider[1]), "running" if slider[2] == "true" else "ready")


def _sight(text: str, steps: int, status: str) -> Sight:
    at, version, run = (_last(pattern, text) for pattern in (_AT, _VERSION, _RUN))
    return Sight(
        steps,
        status,
        float(at[1]) if at else None,
        int(version[1]) if version else 0,
        run[1] if run else "",
    )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """What a message says of itself comes after its parts, which may have the same words."""
    return next(reversed([*pattern.finditer(text)]), None)


def json_of(component: Any) -> str:
    """The JSON that a BidiComponent message carries."""
    kind = component.WhichOneof("data")
    return component.bytes.decode() if kind == "bytes" else str(component.json if kind == "json" else "")


def state_of(kind: str, widget: Any) -> Any:
    """The WidgetState that a browser sends for an element left as the server drew it; None where it sends none.

    Browsers send the values of all widgets with every request, so a client that did not would be cheaper than one.
    """
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    state = WidgetState(id=widget.id)
    if kind == "number_input":
        if widget.set_value:
            state.double_value = widget.value
        elif widget.HasField("default"):
            state.double_value = widget.default
    elif kind == "selectbox":
        if widget.set_value:
            state.string_value = widget.raw_value
        elif widget.HasField("default"):
            state.string_value = widget.options[widget.default]
    elif kind == "checkbox":
        state.bool_value = widget.value if widget.set_value else widget.default
    elif kind == "slider":
        state.double_array_value.data.extend(widget.value if widget.set_value else widget.default)
    elif kind == "button_group":
        default = [widget.options[index].content for index in widget.default]
        state.string_array_value.data.extend(widget.raw_values if widget.set_value else default)
    else:
        return None
    return state


def value_of(kind: str, state: Any) -> Any:
    """What a selectbox or a number input in this state shows; None where it is empty."""
    field = {"selectbox": "string_value", "number_input": "double_value"}[kind]
    return getattr(state, field) if state.HasField(field) else None


def option_state(widget: str, option: str) -> Any:
    """The WidgetState of a selectbox in which this option was chosen."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=widget, string_value=option)


def number_state(widget: str, number: float | None) -> Any:
    """The WidgetState of a number input that holds this number; None empties it."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=widget) if number is None else WidgetState(id=widget, double_value=number)


def open_state(widget: str, is_open: bool) -> Any:
    """The WidgetState of a popover that was opened or closed."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=widget, bool_value=is_open)


def file_state(uploader: str, file_id: str, name: str, size: int) -> Any:
    """The WidgetState of a file uploader that holds an uploaded file."""
    from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs, UploadedFileInfo
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    held = UploadedFileInfo(name=name, size=size, file_id=file_id, file_urls=FileURLs(file_id=file_id))
    return WidgetState(id=uploader, file_uploader_state_value=FileUploaderState(uploaded_file_info=[held]))


def press_state(button: str) -> Any:
    """The WidgetState of a button that was pressed; it is sent once."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=button, trigger_value=True)


def menu_state(menu: str, option: str) -> Any:
    """The WidgetState of a menu in which this option was chosen; it is sent once."""
    from streamlit.proto.Common_pb2 import StringTriggerValue
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=menu, string_trigger_value=StringTriggerValue(data=option))


def component_state(component: str, values: dict[str, Any]) -> Any:
    """The WidgetState that a browser sends for a component that has set these values."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=component, json_value=json.dumps(values))


def toggle_state(group: str, option: str) -> Any:
    """The WidgetState of a group of buttons in which this one was pressed."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    state = WidgetState(id=group)
    state.string_array_value.data.append(option)
    return state


def component_trigger(component: str, event: str, value: Any = True) -> Any:
    """The WidgetState that a browser sends when a component has something to tell."""
    from streamlit.components.v2.bidi_component.main import _make_trigger_id
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    payload = json.dumps([{"event": event, "value": value}])
    return WidgetState(id=_make_trigger_id(component, "events"), json_trigger_value=payload)
