"""Operations on a network in the middle of a run: what they make of its experiment, and of the state of the run.

`operation` and `reach` need no tensor, so that a page can tell at once what an operation would do, or why it cannot be
done. `weights` and `measuring` need PyTorch and are imported where a run is operated on.
"""

from __future__ import annotations

from mlp_core.surgery.operation import Operation, operated, possible, refusal

__all__ = ["Operation", "operated", "possible", "refusal"]
