"""Tables that come with scikit-learn."""

from __future__ import annotations

from mlp_core.catalog.datasets.entry import DatasetEntry, Describe, table_facts


def _bundled(name: str, label: str, summary: str, facts: Describe, **fields: object) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        label=label,
        summary=summary,
        source="bundled",
        loader="mlp_core.data.tabular:load_table",
        facts=facts,
        **fields,  # type: ignore[arg-type]
    )


_DIGITS = tuple(str(digit) for digit in range(10))

BUNDLED: tuple[DatasetEntry, ...] = (
    _bundled("iris", "Iris", "150 flowers of three species, four lengths in centimetres each.",
             table_facts(4, class_names=("setosa", "versicolor", "virginica"), samples=150)),
    _bundled("wine", "Wine", "178 wines of three growers, 13 chemical measurements each.",
             table_facts(13, class_names=("class_0", "class_1", "class_2"), samples=178)),
    _bundled("breast_cancer", "Breast cancer", "569 tumours, benign or malignant, 30 measurements each.",
             table_facts(30, class_names=("malignant", "benign"), samples=569)),
    _bundled("digits", "Digits 8×8", "1,797 handwritten digits as 8×8 grey images.",
             table_facts(64, class_names=_DIGITS, samples=1797, pixels=(1, 8, 8))),
    _bundled("diabetes", "Diabetes",
             "442 patients, ten measurements each; disease progression after one year.",
             table_facts(10, target_names=("disease progression",), target_unit="points", samples=442),
             load_options={"scaled": False}),
)  # fmt: skip
