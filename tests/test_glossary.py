"""The glossary: every entry and every setting once, each with an address and a short sentence."""

from __future__ import annotations

from mlp_core.catalog import ACTIVATIONS, LAYERS, LOSSES, OPTIMIZERS
from mlp_core.catalog.glossary import SETTINGS, glossary
from mlp_core.catalog.terms import TERMS


def test_every_word_has_an_address_of_its_own_and_a_text() -> None:
    words = glossary(("Metrics", [("Accuracy", "The share of right answers."), ("Loss", "Another loss.")]))
    every = [word for found in words.values() for word in found]
    anchors = [word.anchor for word in every]
    assert len(set(anchors)) == len(anchors)
    assert all(word.anchor and " " not in word.anchor and word.text.endswith((".", ")")) for word in every)
    assert {"epoch", "logits", "relu", "adam", "mini-batch", "loss", "loss-metrics"} <= set(anchors)


def test_every_entry_and_every_setting_is_explained() -> None:
    words = glossary()
    for heading, entries in {"Layers": LAYERS, "Activations": ACTIVATIONS, "Losses": LOSSES}.items():
        assert [word.label for word in words[heading]] == [entry.label for entry in entries.values()]
    settings = {word.label for word in words[SETTINGS]}
    assert {"Batch size", "Epochs", "Data seed", "Run seed", "Neurons", "Test share"} <= settings
    assert {parameter.label for entry in OPTIMIZERS.values() for parameter in entry.parameters} <= settings


def test_a_general_word_is_explained_in_one_short_sentence() -> None:
    for term in TERMS.values():
        assert 3 <= len(term.summary.split()) <= 26, term.name
        assert term.summary.endswith("."), term.name
        assert ". " not in term.summary, term.name
