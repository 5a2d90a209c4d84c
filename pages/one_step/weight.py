"""One weight: its gradient by the chain rule, by autograd and by differences, and its update line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.one_step.tables import number, table
from pages.shared.layout import as_text

if TYPE_CHECKING:
    from mlp_core.one_step.records import OneStep, UpdateLine, WeightStep

MOST_TERMS = 64
"""Samples whose terms are listed."""
MOST_LINES, TALLEST = 40, 700
"""An update of more lines scrolls in a box of that height in pixels."""


def weight_tab(step: OneStep) -> None:
    """Draw the gradient of the weight that the step was asked for, and its update."""
    weight = step.weights[0]
    for note in step.notes:
        st.info(as_text(note), icon=":material/info:")
    with st.container(horizontal=True, key="one-step-figures"):
        st.metric("w now", number(weight.before, 5))
        st.metric("dL/dw by the chain rule", number(weight.chain.total, 5))
        st.metric("dL/dw by autograd", number(weight.gradient, 5))
        st.metric("dL/dw by finite difference", number(weight.numeric.difference, 5))
        st.metric("Error of the difference", number(weight.error, 2))
        st.metric("w after the update", number(weight.after, 5))
    left, right = st.columns(2)
    with left:
        _chain(weight)
        _numeric(weight)
    with right:
        _update(step, weight)


def _chain(weight: WeightStep) -> None:
    chain = weight.chain
    st.markdown("##### The chain rule")
    st.latex(chain.formula)
    for factor in chain.factors:
        st.markdown(f"- ${factor.symbol}$: {as_text(factor.name)}")
    if chain.explained:
        st.caption(as_text(chain.explained))
    rows = range(min(len(chain.terms), MOST_TERMS))
    heads = [factor.head for factor in chain.factors]
    heads = [f"{head} {heads[:at].count(head) + 1}" if heads.count(head) > 1 else head for at, head in enumerate(heads)]
    columns = {"sample": [str(i) for i in rows]}
    columns |= {head: [number(factor.values[i]) for i in rows]
                for head, factor in zip(heads, chain.factors, strict=True)}  # fmt: skip
    if len(chain.factors) > 1:
        columns["term"] = [number(chain.terms[i]) for i in rows]
    table(columns)
    if len(chain.terms) > MOST_TERMS:
        rest = chain.terms[MOST_TERMS:].sum()
        st.caption(f"Not shown: {len(chain.terms) - MOST_TERMS:,} more samples, {number(rest)} together.")
    said = [f"Sum of the terms: {number(float(chain.terms.sum()), 6)}"]
    said += [f"{name}: {number(value, 6)}" for name, value in chain.added]
    st.markdown(". ".join(map(as_text, said)) + f". **Together {as_text(number(chain.total, 6))}**; autograd says "
                f"{as_text(number(weight.gradient, 6))}.")  # fmt: skip


def _numeric(weight: WeightStep) -> None:
    check = weight.numeric
    st.markdown("##### Check by finite differences")
    st.latex(r"\frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2h}")
    table({
        "": ["h", "L(w + h)", "L(w − h)", "finite difference", "autograd in float64", "autograd in float32",
             "error of the difference"],
        "value": [number(check.step, 2), f"{check.loss_above:.12g}", f"{check.loss_below:.12g}",
                  number(check.difference, 8), number(check.autograd, 8), number(weight.gradient, 8),
                  number(weight.error, 2)],
    })  # fmt: skip
    st.caption(
        "Both losses are computed in float64, with the same mini-batch and the same random draws. Where an activation "
        "has a kink between w − h and w + h the difference is off: there is no slope there."
    )


def _update(step: OneStep, weight: WeightStep) -> None:
    update = step.update
    st.markdown(f"##### The update: {as_text(update.label)}")
    st.latex(update.formula)
    if not update.done:
        st.info("Nothing is updated yet: gradients of more mini-batches are awaited.", icon=":material/info:")
        return
    if weight.held:
        st.markdown(f"In grad from earlier mini-batches: {as_text(number(weight.held, 6))}.")
    if weight.used != weight.gradient:
        st.markdown(f"The optimizer takes g = {as_text(number(weight.used, 6))}.")
    if weight.lines:
        text = "\n".join(map(_with_results, weight.lines))
        height: int | Literal["content"] = TALLEST if len(weight.lines) > MOST_LINES else "content"
        st.code(text, language="python", wrap_lines=True, height=height)
        if update.settings.get("fused"):
            st.caption("The fused update does the same in one operator, with fewer roundings.")
    else:
        st.caption("The gradient is so small that the optimizer moves nothing.")
    names = list(dict.fromkeys([*weight.state_before, *weight.state_after]))
    table({
        "": ["w", *names],
        "before": [number(weight.before, 6), *(_kept(weight.state_before, name) for name in names)],
        "after": [number(weight.after, 6), *(_kept(weight.state_after, name) for name in names)],
    })  # fmt: skip


def _with_results(line: UpdateLine) -> str:
    """A line of the update, with what it makes of this weight as a comment below."""
    if not line.results:
        return line.text
    return f"{line.text}\n#   {', '.join(f'{name} = {number(value, 6)}' for name, value in line.results)}"


def _kept(state: Mapping[str, float], name: str) -> str:
    return number(state[name], 6) if name in state else "none yet"
