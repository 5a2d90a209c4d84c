"""Exported scripts read the user's own file, and print the digits that a run records."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_training import MIXED, changed, spec_of

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))

from exported import printed, recorded

from mlp_core.catalog.tables import DATE_FORMATS
from mlp_core.data.cells import codes_of, days_of, numbers_of
from mlp_core.errors import SpecError
from mlp_core.export import cells, script
from mlp_core.presets import preset
from mlp_core.problems import with_data
from mlp_core.spec import DataSpec, LossSpec, OptimizerSpec

TEXTS = st.lists(st.text(st.sampled_from("0123456789.,+-eE NA?abé"), max_size=8), min_size=1, max_size=30)


def arrow(texts: list[str]) -> object:
    import pyarrow as pa

    return pa.array([text.strip() for text in texts], pa.string())


def series(texts: list[str]) -> pd.Series:
    return pd.Series([text.strip() for text in texts], dtype="str")


@given(TEXTS, st.sampled_from(".,"))
def test_numbers_are_those_of_the_run(texts: list[str], decimal: str) -> None:
    found, wanted = cells.numbers(series(texts), decimal), numbers_of(arrow(texts), decimal)
    assert np.array_equal(found, wanted, equal_nan=True)


@given(TEXTS, st.booleans())
def test_categories_are_those_of_the_run(texts: list[str], rest: bool) -> None:
    categories = ["0", "a", "1.5", "é"]
    assert np.array_equal(cells.codes(series(texts), categories, rest), codes_of(arrow(texts), categories, rest))


@settings(deadline=None)
@given(st.sampled_from(DATE_FORMATS), st.lists(st.datetimes(), min_size=1, max_size=5))
def test_dates_are_those_of_the_run(form: str, moments: list[object]) -> None:
    texts = [f"{moment:{form}}".rjust(10, "0") for moment in moments] + ["NA", "x"]  # type: ignore[str-format]
    found, wanted = cells.days(series(texts), form), days_of(arrow(texts), form)
    both = ~np.isnan(found)
    assert np.array_equal(found[both], wanted[both])


@pytest.mark.parametrize("target", ["y", "age"])
@pytest.mark.parametrize("style", ["sequential", "bare-tensors"])
def test_a_script_prints_what_the_run_records(
    target: str, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(MIXED)
    spec = spec_of(MIXED, tmp_path, target)
    leaving = {"city": {"missing": "drop"}} if target == "y" else {"colour": {"categories": ["red"], "rest": True}}
    for data in (spec, changed(spec, **leaving)):
        experiment = with_data(preset("spiral").experiment, data)
        assert printed(script(experiment, style, epochs=2)) == recorded(experiment, 2, tmp_path)[0]


@pytest.mark.parametrize("loss", ["PoissonNLLLoss", "GaussianNLLLoss"])
def test_a_script_takes_counts_as_they_are_and_other_numbers_standardised(
    loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(MIXED)
    experiment = with_data(preset("spiral").experiment, spec_of(MIXED, tmp_path, "age"))
    experiment = experiment.updated(loss=LossSpec(type=loss), optimizer=OptimizerSpec(type="Adam"))
    text = script(experiment, "sequential", epochs=2)
    assert ("counts stay as they are" in text) == (loss == "PoissonNLLLoss")
    assert printed(text) == recorded(experiment, 2, tmp_path)[0]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_script_reads_other_forms(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    when = pd.date_range("2020-01-01", periods=40)
    frame = pd.DataFrame({"<x>": np.arange(40) / 7, "when": when, "=y": ["a", "b"] * 20})
    if form == "parquet":
        out = io.BytesIO()
        frame.to_parquet(out)
        content = out.getvalue()
    else:
        content = frame.to_csv(index=False, sep="\t", header=False).encode("utf-16")
    (tmp_path / "t.csv").write_bytes(content)
    experiment = with_data(preset("spiral").experiment, spec_of(content, tmp_path))
    assert printed(script(experiment, "sequential", epochs=1)) == recorded(experiment, 1, tmp_path)[0]


def test_without_a_table_there_is_no_script() -> None:
    experiment = with_data(preset("spiral").experiment, DataSpec(dataset="table"))
    with pytest.raises(SpecError, match="No table is chosen yet"):
        script(experiment, "sequential")

