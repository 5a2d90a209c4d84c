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


@dataclass(frozen=True)
class Sight:
    """What one message shows of the run: steps done, status, and when that was so (Unix time), if it says so.

    `version` is higher the newer it is; messages do not arrive in that order.
    """

    steps: int
    status: str
    at: float | None
    version: int = 0

    @property
    def stopped(self) -> bool:
        """Whether the run stands still."""
        return self.status in STOPPED


def sight(text: str) -> Sight | None:
    """Read the JSON of a component that shows the numbers of the run; None for one that does not."""
    steps = _STEPS.search(text)
    if steps is None:
        return None
    status, at, version = _STATUS.search(text), _AT.search(text), _VERSION.search(text)
    return Sight(
        int(steps[1].replace(",", "")),
        json.loads(f'"{status[1]}"') if status else "",
        float(at[1]) if at else None,
        int(version[1]) if version else 0,
    )


def json_of(component: Any) -> str:
    """The JSON that a BidiComponent message carries."""
    kind = component.WhichOneof("data")
    return component.bytes.decode() if kind == "bytes" else str(component.json if kind == "json" else "")


def state_of(kind: str, widget: Any) -> Any:
    """The WidgetState that a browser sends for an element left as the server drew it; None for no such widget.

    Browsers send the values of all widgets with every request, so a client that did not would be cheaper than one.
    """
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    state = WidgetState(id=getattr(widget, "id", ""))
    if kind == "number_input":
        if not widget.HasField("default"):
            return state
        state.double_value = widget.default
    elif kind == "selectbox":
        if widget.HasField("default"):
            state.string_value = widget.options[widget.default]
    elif kind == "checkbox":
        state.bool_value = widget.default
    elif kind == "slider":
        state.double_array_value.data.extend(widget.default)
    elif kind == "button_group":
        state.string_array_value.data.extend(widget.options[index].content for index in widget.default)
    else:
        return None
    return state


def component_state(component: str, values: dict[str, Any]) -> Any:
    """The WidgetState that a browser sends for a component that has set these values."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    return WidgetState(id=component, json_value=json.dumps(values))


def component_trigger(component: str, event: str) -> Any:
    """The WidgetState that a browser sends when a component has something to tell."""
    from streamlit.components.v2.bidi_component.main import _make_trigger_id
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    payload = json.dumps([{"event": event, "value": True}])
    return WidgetState(id=_make_trigger_id(component, "events"), json_trigger_value=payload)
