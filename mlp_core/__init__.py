"""The training library of MLP Playground. No module here knows Streamlit.

Everything in `__all__` can be imported from here, and is loaded when it is first used: `import mlp_core` alone is
quick, and brings no PyTorch. `docs/api.md` shows each at work. A name here is never that of a module in this package
(`mlp_core.run.build` is the module, `build_run` the function), because importing the module would hide it.
"""

# ruff: noqa: F401  # the imports below are the public names
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors, which do not see what is loaded on demand
    from mlp_core.catalog import KINDS as CATALOGS
    from mlp_core.data import Dataset as Dataset
    from mlp_core.data import load as load_data
    from mlp_core.engines.choose import engine_for as engine_for
    from mlp_core.errors import DataError as DataError
    from mlp_core.errors import SpecError as SpecError
    from mlp_core.errors import UserError as UserError
    from mlp_core.export import notebook as export_notebook
    from mlp_core.export import script as export_script
    from mlp_core.export.bundle import bundle as export_bundle
    from mlp_core.export.onnx import export_onnx as export_onnx
    from mlp_core.export.preprocessing import preprocessing_of as preprocessing_of
    from mlp_core.export.state import load_into as load_into
    from mlp_core.export.state import state_of as state_of
    from mlp_core.export.weights import Weights as Weights
    from mlp_core.export.weights import load as load_weights
    from mlp_core.export.weights import save as weights_file
    from mlp_core.export.weights import save_file as save_file
    from mlp_core.landscape.landscape import LandscapeSpec as LandscapeSpec
    from mlp_core.landscape.landscape import loss_landscape as loss_landscape
    from mlp_core.link import decode as from_link
    from mlp_core.link import encode as to_link
    from mlp_core.one_step.autograd import explore as explore_autograd
    from mlp_core.one_step.places import WeightPlace as WeightPlace
    from mlp_core.one_step.step import one_step as examine_step
    from mlp_core.plan import plan as make_plan
    from mlp_core.predict import predict as predict_samples
    from mlp_core.presets import PRESETS as PRESETS
    from mlp_core.presets import mlp as mlp
    from mlp_core.presets import preset as preset
    from mlp_core.problems import problems as find_problems
    from mlp_core.race.race import Entrant as Entrant
    from mlp_core.race.race import Race as Race
    from mlp_core.race.variant import Variant as Variant
    from mlp_core.run.build import Run as Run
    from mlp_core.run.build import build as build_run
    from mlp_core.run.layer_statistics import layer_statistics as layer_statistics
    from mlp_core.run.metrics import evaluate as evaluate
    from mlp_core.spec import DataSpec as DataSpec
    from mlp_core.spec import Experiment as Experiment
    from mlp_core.spec import LayerSpec as LayerSpec
    from mlp_core.spec import LossSpec as LossSpec
    from mlp_core.spec import OptimizerSpec as OptimizerSpec
    from mlp_core.spec import SchedulerSpec as SchedulerSpec
    from mlp_core.spec import TrainingSpec as TrainingSpec
    from mlp_core.summary import summary as model_summary
    from mlp_core.surgery import Operation as Operation
    from mlp_core.training.loop import train as train
    from mlp_core.training.record import RunRecord as RunRecord
    from mlp_core.training.session import Session as Session
    from mlp_core.tuning.rate_ramp import find_rate as find_rate
    from mlp_core.tuning.trials import Trials as Trials

_PLACES = {
    "CATALOGS": "catalog:KINDS",
    "PRESETS": "presets:PRESETS",
    "DataError": "errors:DataError",
    "DataSpec": "spec:DataSpec",
    "Dataset": "data:Dataset",
    "Entrant": "race.race:Entrant",
    "Experiment": "spec:Experiment",
    "LandscapeSpec": "landscape.landscape:LandscapeSpec",
    "LayerSpec": "spec:LayerSpec",
    "LossSpec": "spec:LossSpec",
    "Operation": "surgery:Operation",
    "OptimizerSpec": "spec:OptimizerSpec",
    "Race": "race.race:Race",
    "Run": "run.build:Run",
    "RunRecord": "training.record:RunRecord",
    "SchedulerSpec": "spec:SchedulerSpec",
    "Session": "training.session:Session",
    "SpecError": "errors:SpecError",
    "TrainingSpec": "spec:TrainingSpec",
    "Trials": "tuning.trials:Trials",
    "UserError": "errors:UserError",
    "Variant": "race.variant:Variant",
    "WeightPlace": "one_step.places:WeightPlace",
    "Weights": "export.weights:Weights",
    "build_run": "run.build:build",
    "engine_for": "engines.choose:engine_for",
    "evaluate": "run.metrics:evaluate",
    "examine_step": "one_step.step:one_step",
    "explore_autograd": "one_step.autograd:explore",
    "export_bundle": "export.bundle:bundle",
    "export_notebook": "export:notebook",
    "export_onnx": "export.onnx:export_onnx",
    "export_script": "export:script",
    "find_problems": "problems:problems",
    "find_rate": "tuning.rate_ramp:find_rate",
    "from_link": "link:decode",
    "layer_statistics": "run.layer_statistics:layer_statistics",
    "load_data": "data:load",
    "load_into": "export.state:load_into",
    "load_weights": "export.weights:load",
    "loss_landscape": "landscape.landscape:loss_landscape",
    "make_plan": "plan:plan",
    "mlp": "presets:mlp",
    "model_summary": "summary:summary",
    "predict_samples": "predict:predict",
    "preprocessing_of": "export.preprocessing:preprocessing_of",
    "preset": "presets:preset",
    "save_file": "export.weights:save_file",
    "state_of": "export.state:state_of",
    "to_link": "link:encode",
    "train": "training.loop:train",
    "weights_file": "export.weights:save",
}
"""Where each name lives, as 'module:name in it'."""

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'mlp_core' has no attribute {name!r}")
    module, inner = _PLACES[name].split(":")
    value = getattr(import_module(f"mlp_core.{module}"), inner)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
