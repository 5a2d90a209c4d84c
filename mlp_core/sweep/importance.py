"""How much of the differences between trials each setting explains, by fANOVA, in a process of its own.

Functional ANOVA of a random forest over the trials (Hutter, Hoos and Leyton-Brown, 2014), as Optuna does it. It holds
the GIL for seconds.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from mlp_core.errors import UserError
from mlp_core.processor.process import ProcessError, process
from mlp_core.sweep.measuring import TrialResult
from mlp_core.sweep.space import Choices
from mlp_core.sweep.spec import SweepSpec

FEWEST = 5
"""Trials that it needs at least."""

_PROGRAM = """
import json, optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
optuna.logging.set_verbosity(optuna.logging.ERROR)
given = json.load(open("trials.json"))
kinds = {"choices": lambda count: CategoricalDistribution(tuple(range(count))), "int": IntDistribution,
         "float": FloatDistribution}
distributions = {path: kinds[kind](*rest) for path, (kind, *rest) in given["space"].items()}
study = optuna.create_study()
study.add_trials([optuna.trial.create_trial(params=params, value=value, distributions=distributions)
                  for params, value in given["trials"]])
evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
found = optuna.importance.get_param_importances(study, evaluator=evaluator)
json.dump({path: float(share) for path, share in found.items()}, open("importance.json", "w"))
"""


class ImportanceError(UserError):
    """There is no result, for a reason that the sentence says."""


def importances(spec: SweepSpec, results: Sequence[TrialResult]) -> Generator[float, None, dict[str, float]]:
    """The share of each setting by its path, the largest first; they add up to 1.

    Yields again and again. Closing it ends the work. Raises `ImportanceError`.
    """
    found = [result for result in results if result.counts]
    if len(found) < FEWEST:
        raise ImportanceError(f"Importances need {FEWEST} trials at least that came to their end. Got {len(found)}.")
    if len({result.objectives[0] for result in found}) < 2:
        raise ImportanceError("All trials came to the same figure, so no setting explains any difference.")
    dimensions = spec.space.dimensions
    if len(dimensions) < 2:
        return dict.fromkeys(dimensions, 1.0)
    space, trials = {}, []
    for path, each in dimensions.items():
        if isinstance(each, Choices):
            space[path] = ["choices", len(each.values)]
        else:
            space[path] = ["int" if each.whole else "float", each.low, each.high, each.log]
    for result in found:
        params = {path: each.values.index(result.values[path]) if isinstance(each, Choices) else result.values[path]
                  for path, each in dimensions.items()}  # fmt: skip
        trials.append([params, result.objectives[0]])
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trials.json").write_text(json.dumps({"space": space, "trials": trials}), encoding="utf-8")
        try:
            with closing(process(_PROGRAM, folder)) as running:
                for _ in running:
                    yield 0.0
        except ProcessError as error:
            raise ImportanceError(f"Importances could not be computed ({str(error)[:200]}).") from None
        shares: dict[str, float] = json.loads((folder / "importance.json").read_text(encoding="utf-8"))
    return shares
