"""What goes wrong in a run, named from its figures: one table, an entry for each thing that can be wrong.

Pure functions over what was measured (`mlp_core.run.layer_statistics`) and the curves of the run.
"""

from __future__ import annotations

from mlp_core.health import curves, layers
from mlp_core.health.finding import Change, Check, Evidence, Finding, Level, Seen
from mlp_core.health.statistics import LayerStatistics
from mlp_core.health.strip import LayerHealth, strip
from mlp_core.problems import problems

__all__ = ["FINDINGS", "Check", "Evidence", "Finding", "LayerHealth", "LayerStatistics", "Level", "findings", "strip"]

FINDINGS: dict[str, Check] = {
    check.name: check
    for check in (
        Check(
            name="divergence", label="Divergence", look=curves.diverging,
            fine="The training loss does not run away.",
            why="Each step overshoots the bottom of the valley, and the next one, from further up its side, more so.",
            remedy="Make the learning rate smaller, clip gradients, or scale the inputs and targets.",
        ),
        Check(
            name="plateau", label="Loss plateau", look=curves.standing,
            fine="The training loss is not stuck near where it began.",
            why="The steps are too small for a flat region, or the network cannot tell the samples apart.",
            remedy="Raise the learning rate, use an optimizer with momentum such as Adam, or a larger network.",
        ),
        Check(
            name="overfitting", label="Overfitting", look=curves.overfitting,
            fine="The loss on samples that were not trained on does not rise.",
            why="The network learns the training samples by heart, their noise included, which is wrong for others.",
            remedy="Stop at the lowest loss, use more samples, a smaller network, Dropout or weight decay.",
        ),
        Check(
            name="dead_units", label="Dead units", look=layers.dead,
            fine="No layer has lost most of its units.",
            why="Where all inputs of a unit lie on the flat part of its activation, its slope is 0: its weights "
            "get no gradient, so it cannot come back.",
            remedy="Use LeakyReLU or ELU, a smaller learning rate, or initial biases of 0.",
        ),
        Check(
            name="saturated_units", label="Saturated units", look=layers.saturated,
            fine="No S-curve is stuck at its ends.",
            why="Large weights or inputs drive an S-curve to its ends, where its slope is nearly 0, and with it "
            "every gradient that passes.",
            remedy="Use smaller initial weights, scale the inputs, put BatchNorm1d before it, or use ReLU.",
        ),
        Check(
            name="vanishing_gradients", label="Vanishing gradients", look=layers.vanishing,
            fine="The gradient reaches the first layer.",
            why="Every layer multiplies the gradient by its weights and the slope of its activation; where that is "
            "below 1, little is left after many layers, and the first ones hardly learn.",
            remedy="Use ReLU with Kaiming weights, BatchNorm1d, residual blocks, or fewer layers.",
        ),
        Check(
            name="exploding_gradients", label="Exploding gradients", look=layers.exploding,
            fine="The gradient keeps its size through the layers.",
            why="Every layer multiplies the gradient by its weights; where these are large, it grows from layer to "
            "layer, and so do the updates.",
            remedy="Use smaller initial weights, clip gradients, use BatchNorm1d, or a smaller learning rate.",
        ),
        Check(
            name="update_ratio", label="Size of updates", look=layers.update_size,
            fine="Updates have a sound size beside the weights.",
            why="The learning rate does not fit the size of gradients and weights: too large, and steps undo what was "
            "learned; too small, and nothing is learned.",
            remedy="Change the learning rate until an update is about a thousandth of the weights.",
        ),
        Check(
            name="bias_shift", label="Bias shift", look=layers.shifted,
            fine="Values in front of activations are centred well enough.",
            why="Inputs or outputs of layers that are never negative push the mean of the next ones away from 0, "
            "the further the more weights agree.",
            remedy="Scale the inputs to mean 0, put BatchNorm1d before the activation, or use a zero-centred one.",
        ),
        Check(
            name="symmetry", label="Symmetry", look=layers.symmetric,
            fine="No neurons are copies of each other.",
            why="Neurons that begin with the same weights, in and out, get the same gradient, and stay the same.",
            remedy="Draw the initial weights at random.",
        ),
    )
}  # fmt: skip
"""Everything that is looked for, by name, in the order in which it is shown."""


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """What is wrong in a run, at most one finding of each kind, the worst first."""
    found = [_finding(check, seen, evidence) for check in FINDINGS.values() for seen in list(check.look(evidence))[:1]]
    return tuple(sorted(found, key=lambda finding: finding.level != "bad"))


def _finding(check: Check, seen: Seen, evidence: Evidence) -> Finding:
    label, change = next(
        ((label, change) for label, change in seen.fixes if _helps(change, evidence)), ("", None)
    )  # fmt: skip
    return Finding(
        name=check.name, level=seen.level, path=seen.path, sentence=seen.sentence, why=check.why, remedy=check.remedy,
        fix_label=label, change=change,
    )  # fmt: skip


def _helps(change: Change, evidence: Evidence) -> bool:
    """Whether a change gives another experiment that can run."""
    changed = change(evidence.experiment)
    if changed is None or changed == evidence.experiment:
        return False
    return not any(problem.severity == "error" for problem in problems(changed))
