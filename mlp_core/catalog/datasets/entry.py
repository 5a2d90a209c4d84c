"""What a data set's entry holds, and the facts of a table.

An entry's `facts` say enough (task, shape, classes, sizes) to plan a network before a byte is loaded; `loader` names
the function that makes or reads the arrays, so that the catalog imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mlp_core.catalog.entry import Entry
from mlp_core.catalog.facts import DataFacts
from mlp_core.catalog.parameters import Formula
from mlp_core.catalog.user_files import UserFile

Source = Literal["generated", "drawn", "bundled", "downloaded", "uploaded"]

GROUPS: dict[str, str] = {
    "generated": "Generated",
    "formula": "By your formula",
    "drawn": "Drawn by you",
    "bundled": "Tables",
    "downloaded": "Public sets",
    "uploaded": "Your own files",
}
"""Groups of data sets as a page shows them: by where the samples come from."""

Params = Mapping[str, Any]
Describe = Callable[[Params], DataFacts]


@dataclass(frozen=True, kw_only=True)
class DatasetEntry(Entry):
    """A data set of the playground. Its shapes, task and classes are its `facts`, which its parameters decide."""

    source: Source
    """Where the samples come from."""
    loader: str
    """The function that makes or reads the arrays, as 'module:function'."""
    facts: Describe
    """The facts of the set, given its parameters (each of them checked and present)."""
    download_bytes: int = 0
    """What a first use fetches."""
    files: tuple[str, ...] = ()
    """What a download leaves in the data folder, as paths with '/'."""
    archives: tuple[str, ...] = ()
    """The official files that a downloaded set comes in: where in the data folder they may be put by hand."""
    publisher: Literal["torchvision", "scikit-learn"] = "torchvision"
    """Whose code knows the addresses and sums of the archives, and is called in exported scripts."""
    reader: str = ""
    """The function that reads a part of a downloaded set from its files, as 'module:function'; see `data.formats`."""
    parts: tuple[Mapping[str, Any], Mapping[str, Any]] = ({"train": True}, {"train": False})
    """Arguments of torchvision's class for the training and for the test part."""
    first_label: int = 0
    """The label of the first class in torchvision's class; here it is 0."""
    labels: str = "targets"
    """What gives all labels of a part, after the name of torchvision's object and a dot."""
    lying: bool = False
    """Whether torchvision's class gives images that lie on their side; here they stand."""
    standardised: bool = False
    """Whether a generated set's inputs and numbers to predict are standardised by their training part."""
    needs_classes: bool = False
    """Whether its settings may leave a class without samples, so that this is looked for and said."""
    truth: str = ""
    """For samples along x: the function without noise that they follow, as 'module:function' of parameters and x."""
    own_file: Callable[[Params], UserFile | None] | None = None
    """For an uploaded set: which file its parameters name; None where they name none."""
    own_words: Callable[[Params], str] | None = None
    """For an uploaded set: what is learned from that file, in a few words that are shown as text."""
    load_options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of scikit-learn's function for a bundled set."""

    @property
    def group(self) -> str:
        """The key in `GROUPS` under which it is shown."""
        return "formula" if any(isinstance(parameter, Formula) for parameter in self.parameters) else self.source

    @property
    def own(self) -> bool:
        """Whether its samples are the user's own work: typed, drawn or brought."""
        return self.group in ("formula", "drawn", "uploaded")

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("data", "dataset")

    @property
    def parameter_controls(self) -> tuple[str, ...]:
        return ("data",)


def table_facts(features: int, *, class_names: tuple[str, ...] = (), target_names: tuple[str, ...] = (),
                 target_unit: str = "", samples: int | None = None, pixels: tuple[int, int, int] | None = None,
                 ) -> Describe:  # fmt: skip
    """The facts of a table with so many columns; one with the parameter 'points' has as many samples."""
    known = DataFacts(
        task="classification" if class_names else "regression",
        sample_shape=(features,),
        class_names=class_names,
        target_names=target_names,
        target_unit=target_unit,
        samples=samples,
        pixels=pixels,
    )
    return lambda params: replace(known, samples=params["points"]) if "points" in params else known
