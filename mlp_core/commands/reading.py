"""What several commands read from their arguments."""

from __future__ import annotations

from pathlib import Path

from mlp_core.errors import SpecError
from mlp_core.presets import preset
from mlp_core.spec import Experiment
from mlp_core.strict_json import MAX_JSON_CHARACTERS


def read_experiment(name: str) -> Experiment:
    """The experiment of a preset, or of a JSON file; raises `SpecError`."""
    path = Path(name)
    try:
        if path.suffix != ".json" and not path.is_file():
            return preset(name).experiment
        with path.open(encoding="utf-8") as file:
            return Experiment.from_json(file.read(MAX_JSON_CHARACTERS + 1))  # one more is refused, however many follow
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SpecError(f"The experiment {name!r} cannot be read: {reason}. Name a preset or a JSON file.") from None
