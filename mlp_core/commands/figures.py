"""The views of a finished run as web pages that need no server, one file each."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from mlp_core.training.snapshot import Snapshot
from mlp_core.views import VIEWS, Options, computed, draw

if TYPE_CHECKING:
    from mlp_core.run.build import Run
    from mlp_core.training.events import Evaluation
    from mlp_core.training.history import History
    from mlp_core.training.views import ViewResult
    from mlp_core.views.moments import Moments

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
{figure}
<p>{alt}</p>
</body>
</html>
"""


def snapshot_of(
    run: Run,
    history: History,
    evaluation: Evaluation | None,
    *,
    moments: Moments | None = None,
    views: Iterable[str] | None = None,
) -> Snapshot:
    """The run as it stands, with these views computed, or every one that applies to its data.

    `moments` is what was seen of its layers along the run.
    """
    step = run.position.step
    return Snapshot(
        status="finished",
        run=run.experiment.data.dataset,
        experiment=run.experiment,
        dataset=run.dataset,
        history=history,
        step=step,
        epoch=run.position.epoch,
        batches_per_epoch=run.batches.per_epoch,
        confusion=None if evaluation is None else evaluation.confusion,
        moments=moments,
        views={name: _result(run, name) for name in (_wanted(run) if views is None else views)},
    )


def _wanted(run: Run) -> list[str]:
    """The views that figures of such data are drawn from, with their arguments."""
    facts = run.dataset.facts
    read = {view.computed(Options()) for view in VIEWS.values() if view.page and view.applies(facts)}
    known = computed(facts)
    return [name for name in sorted(read) if name.partition("@")[0] in known]


def _result(run: Run, name: str) -> ViewResult:
    """A view of the run, by its name with its argument."""
    from mlp_core.training.views import ViewResult

    view, _, argument = name.partition("@")
    return ViewResult(run.position.step, VIEWS[view].arrays(run, argument))


def save_figures(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write every view that Plotly draws and that has something to show; returns the files.

    Plotly's own code is put beside them once, so that the files work without the internet.
    """
    from plotly.graph_objects import Figure

    assert snapshot.dataset is not None
    folder.mkdir(parents=True, exist_ok=True)
    options, written = Options(), []
    for name, view in VIEWS.items():
        if view.kind != "plot" or not view.applies(snapshot.dataset.facts) or view.figure(snapshot, options) is None:
            continue
        drawing = draw(view, snapshot, options)
        figure = Figure(dict(drawing.data)).to_html(full_html=False, include_plotlyjs="directory")
        path = folder / f"{name}.html"
        path.write_text(
            _PAGE.format(title=escape(view.label), figure=figure, alt=escape(drawing.alt)), encoding="utf-8"
        )
        written.append(path)
    if written:
        from plotly.offline import get_plotlyjs

        (folder / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    return written
