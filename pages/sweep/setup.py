"""The widgets of a sweep: what is searched, in which range, and how."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import streamlit as st

from mlp_core.catalog.parameters import Bool, Choice, Float, Int
from mlp_core.catalog.sweep import OBJECTIVES, PRUNERS, SAMPLERS, SWEEP
from mlp_core.limits import MAX_TEXT
from mlp_core.settings import Setting
from mlp_core.spec import Experiment
from pages.shared.layout import as_text
from pages.shared.widgets import parameter_widget
from pages.sweep.choice import add, forms, key, known, options, remove, set_form, set_option

LINEAR, LOG, LIST = "Linear", "Log", "List"
TABLES = {"sampler": SAMPLERS, "pruner": PRUNERS, "objective": OBJECTIVES}
NUMBERS = ("trials", "epochs", "seed")


def setup(experiment: Experiment) -> None:
    """Draw a row for each setting, the way to add one, and how it is searched."""
    found = known(experiment)
    for path in list(forms()):
        _row(found[path], forms()[path], experiment)
    _adding(experiment, found)
    with st.container(horizontal=True, vertical_alignment="bottom", key="sweep-options"):
        current = options()
        for name, table in TABLES.items():
            parameter = SWEEP.parameter(name)
            widget = key(name)
            st.selectbox(
                parameter.label, list(table), index=list(table).index(current[name]), key=widget, width=200,
                format_func=lambda choice, table=table: table[choice].label,
                help=f"{parameter.help} {table[current[name]].label}: {table[current[name]].summary}",
                on_change=lambda name=name, widget=widget: set_option(name, st.session_state[widget]),
            )  # fmt: skip
        for name in NUMBERS:
            parameter_widget(SWEEP.parameter(name), current[name], key(name), partial(set_option, name), width=130)


def _row(setting: Setting, form: dict[str, Any], experiment: Experiment) -> None:
    path = setting.path
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"sweep-row-{path.replace('.', '-')}"):
        now = setting.text(setting.get(experiment))
        with st.container(width=230, key=f"sweep-name-{path.replace('.', '-')}"):
            st.markdown(f"**{as_text(setting.label)}**  \n:gray[now {as_text(now[:60])}]")
        if isinstance(setting.rule, Float | Int):
            _numbers(setting, form)
        else:
            _choices(setting, form)
        st.button("", key=f"sweep-remove-{path}", icon=":material/close:", type="tertiary", on_click=remove,
                  args=(path,), help=f"Do not search: {as_text(setting.label)}")  # fmt: skip


def _numbers(setting: Setting, form: dict[str, Any]) -> None:
    """A range, linear or on a log scale, or a list of numbers."""
    path, label = setting.path, setting.label
    scale = LIST if "choices" in form else LOG if form.get("log") else LINEAR
    if scale == LIST:
        _list(setting, form)
    else:
        step = "any" if isinstance(setting.rule, Float) else "1"
        for name, title, help in (
            ("low", "From", None), ("high", "To", None),
            ("step", "Step", "Only values at this distance; empty for all. A grid takes every step."),
        ):  # fmt: skip
            if name == "step" and scale == LOG:
                continue
            widget = key(f"{path}-{name}")
            if form.get(name) is not None and widget not in st.session_state:
                st.session_state[widget] = float(form[name])
            st.number_input(
                title, value=None, key=widget, format="%g", width=118, help=help, step=_step(setting, form, name),
                placeholder=step if name == "step" else "required",
                on_change=partial(_take_number, setting, name, widget),
            )  # fmt: skip
    widget = key(f"{path}-scale")
    st.segmented_control(
        f"Scale of {label}", [LINEAR, LOG, LIST], default=scale, key=widget, required=True,
        label_visibility="collapsed", on_change=partial(_take_scale, setting, widget),
    )  # fmt: skip


def _step(setting: Setting, form: dict[str, Any], name: str) -> float:
    """How far a press of + or − goes."""
    if isinstance(setting.rule, Int):
        return 1.0
    value = form.get(name)
    return float(f"{abs(value) / 10:.1g}") if isinstance(value, int | float) and value else 0.1


def _take_number(setting: Setting, name: str, widget: str) -> None:
    value, form = st.session_state[widget], dict(forms().get(setting.path, {}))
    if value is None:
        form.pop(name, None)
    else:
        form[name] = int(value) if isinstance(setting.rule, Int) and float(value).is_integer() else value
    set_form(setting.path, form)


def _take_scale(setting: Setting, widget: str) -> None:
    form, chosen = dict(forms().get(setting.path, {})), st.session_state[widget]
    ends = {name: form[name] for name in ("low", "high") if name in form}
    numbers = [each for each in form.get("choices", ()) if isinstance(each, int | float)]
    if not ends and numbers:
        ends = {"low": min(numbers), "high": max(numbers)}
    if chosen == LIST:
        set_form(setting.path, {"choices": list(ends.values())})
    else:
        set_form(setting.path, {**ends, **({"log": True} if chosen == LOG else {})})


def _choices(setting: Setting, form: dict[str, Any]) -> None:
    rule, widget = setting.rule, key(f"{setting.path}-choices")
    given = form.get("choices", [])
    if not isinstance(rule, Choice | Bool):
        _list(setting, form)
        return
    possible: list[Any] = [False, True] if isinstance(rule, Bool) else list(rule.choices)
    possible += [None] if getattr(rule, "optional", False) else []
    st.multiselect(
        f"Choices of {setting.label}", possible, default=[each for each in given if each in possible], key=widget,
        format_func=setting.text, label_visibility="collapsed", width="stretch", placeholder="Choose one or more",
        on_change=lambda: set_form(setting.path, {"choices": list(st.session_state[widget])}),
    )  # fmt: skip


def _list(setting: Setting, form: dict[str, Any]) -> None:
    """Values as JSON writes them, with commas between."""
    widget = key(f"{setting.path}-list")
    st.text_input(
        "Values", value=json.dumps(form.get("choices", []))[1:-1], key=widget, max_chars=5 * MAX_TEXT, width="stretch",
        help="With commas between; null for none.", on_change=lambda: _take_list(setting, st.session_state[widget]),
    )  # fmt: skip


def _take_list(setting: Setting, text: str) -> None:
    try:
        values: Any = json.loads(f"[{text}]")
    except ValueError:
        values = text  # refused in a sentence
    set_form(setting.path, {"choices": values})


def _adding(experiment: Experiment, found: dict[str, Setting]) -> None:
    widget = key("add")
    rest = [path for path in found if path not in forms()]

    def take() -> None:
        if (path := st.session_state[widget]) is not None:
            add(experiment, path)

    st.selectbox(
        "Add a setting", rest, index=None, key=widget, placeholder="Search one more setting",
        format_func=lambda path: found[path].label, on_change=take, width=420,
        help="Every setting of this experiment. Types that are searched bring their own settings.",
    )  # fmt: skip
