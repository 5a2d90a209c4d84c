"""Autograd on the user's own network: its graph, and what can be done with gradients, with the lines that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mlp_core.figures import palette
from pages.one_step.moment import Moment, same_autograd
from pages.one_step.tables import number, table
from pages.shared.layout import as_text, theme

if TYPE_CHECKING:
    from mlp_core.one_step.autograd import Demonstration, Graph

MOST_PARAMETERS = 16
"""Rows of a table."""


def autograd_tab(now: Moment, seed: int | None) -> None:
    """Draw the graph and what was shown of it."""
    found = same_autograd(now, seed)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("##### The graph of this step")
        st.caption(
            "Each operator of the forward pass leaves a node that knows how to pass a gradient back: its grad_fn. "
            "Gradients go from the loss along the arrows to the leaves, the parameters, and are added to their grad."
        )
        st.graphviz_chart(dot(found.graph), width="stretch", height="content")
        if not found.graph.complete:
            st.caption(f"Not shown: everything further from the loss than these {len(found.graph.nodes)} nodes.")
        leaves = len(found.graph.leaves)
        st.caption(f"{len(found.graph.nodes)} nodes, {leaves} of them leaves.")
    with right:
        for shown in found.demonstrations:
            _demonstration(shown)


def _demonstration(shown: Demonstration) -> None:
    with st.container(border=True):
        st.markdown(f"##### {as_text(shown.title)}")
        st.code(shown.code, language="python", wrap_lines=True)
        st.markdown(as_text(shown.found))
        rows = shown.rows[:MOST_PARAMETERS]
        columns = {
            "parameter": [row.parameter for row in rows],
            "requires_grad": [str(row.requires_grad) for row in rows],
        }
        for at, moment in enumerate(shown.moments):
            columns[f"‖grad‖ {moment}"] = [_norm(row.norms[at]) for row in rows]
        table(columns)
        if len(shown.rows) > len(rows):
            st.caption(f"Not shown: {len(shown.rows) - len(rows)} more parameters.")


def _norm(norm: float | None) -> str:
    return "None" if norm is None else number(norm)


def dot(graph: Graph) -> str:
    """The graph in Graphviz's language, in the colours of the theme."""
    colours = palette(theme())
    ink = colours.trend
    lines = [
        'digraph { bgcolor="transparent"; rankdir="TB"; nodesep=0.2; ranksep=0.3;',
        f'node [shape=box, style="rounded", color="{colours.rule}", fontcolor="{ink}", fontsize=11, '
        'fontname="sans-serif", height=0.3, margin="0.12,0.05"];',
        f'edge [color="{colours.rule}", arrowsize=0.6];',
    ]
    for at, node in enumerate(graph.nodes):
        if node.leaf:
            shape = " × ".join(map(str, node.shape))
            lines.append(f'n{at} [label="{node.leaf}\\n{shape}", color="{colours.positive}", penwidth=2];')
        elif at == 0:
            lines.append(f'n{at} [label="loss\\n{node.name}", color="{colours.negative}", penwidth=2];')
        else:
            lines.append(f'n{at} [label="{node.name}"];')
    lines += [f"n{start} -> n{end};" for start, end in graph.edges]
    return "\n".join([*lines, "}"])
