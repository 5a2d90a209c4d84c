"""Races: the figures of each run alone, in step by any measure, with words on who leads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_core import data
from mlp_core.changes import changes
from mlp_core.errors import SpecError
from mlp_core.presets import PRESETS, preset
from mlp_core.problems import problems
from mlp_core.processor import Processor
from mlp_core.race.race import MOST, Entrant, Race
from mlp_core.race.rivals import others, raced
from mlp_core.race.variant import AS_IT_IS, Variant, names_of, rival
from mlp_core.race.words import Measure, Standing, Unit, measure_of, progress_text, verdict
from mlp_core.settings import ACTIVATION, DEPTH, INITIALIZER, WIDTH
from mlp_core.spec import Experiment, LayerSpec
from mlp_core.training.keeping import Draft
from mlp_core.training.lease import Lease
from mlp_core.training.trial import run_trial
from tests import strategies

LIMIT = 120
EPOCHS = 6
SPIRAL = preset("spiral").experiment
ACCURACY, LOSS = Measure("accuracy", "test"), Measure("loss", "validation")


class Drafts:
    """A keeper that remembers the newest draft of each run."""

    def __init__(self) -> None:
        self.found: dict[str, Draft] = {}

    def due(self, run: str) -> bool:
        return False

    def keep(self, draft: Draft) -> None:
        self.found[draft.record.id] = draft

    def flush(self, seconds: float) -> bool:
        return True

    def named(self, start: str) -> Draft:
        return next(draft for draft in self.found.values() if draft.name.startswith(start))


@pytest.fixture(scope="module")
def processor() -> Iterator[Processor]:
    made = Processor(2)
    yield made
    assert made.close(LIMIT)


def entrants(*variants: Variant, base: Experiment = SPIRAL) -> list[Entrant]:
    return [Entrant(name, one.of(base)) for name, one in zip(names_of(base, variants), variants, strict=True)]


def varied(path: str, *values: object) -> list[Variant]:
    return [Variant(), *(Variant(((path, value),)) for value in values)]


def test_a_race_gives_the_figures_of_each_run_alone_bit_for_bit(processor: Processor) -> None:
    """Whatever its laps, and also where it was paused in the middle."""
    variants = [*varied(ACTIVATION, "ReLU"), Variant((("training.batch_size", 7), (WIDTH, 5)))]
    drafts = Drafts()
    race = Race(entrants(*variants), length=EPOCHS, processor=processor, keeper=drafts)
    assert (race.verdict, race.begun, race.over) == ("", False, False)
    race.play()
    with race.board.listening(lambda: race.distance > 0 and race.pause()):
        assert race.board.wait(lambda now: now.status == "ready", LIMIT)
    assert 0 < race.distance < EPOCHS
    assert not race.over
    per_epoch = [lane.snapshot().batches_per_epoch for lane in race.lanes]
    for lane, batches in zip(race.lanes, per_epoch, strict=True):
        assert abs(lane.progress("epochs") - race.distance) <= 1 / batches, "all stand in step"
    assert race.wait(LIMIT)
    assert {draft.record.step for draft in drafts.found.values()} == {lane.snapshot().step for lane in race.lanes}
    assert " leads: test accuracy " in race.verdict
    race.play()
    assert race.wait(LIMIT)
    assert race.over
    assert race.verdict.endswith(f"after {EPOCHS} epochs.")
    for entrant, lane in zip(entrants(*variants), race.lanes, strict=True):
        alone = run_trial(entrant.experiment, data.load(entrant.experiment.data), processor, epochs=EPOCHS)
        assert lane.snapshot().epoch == EPOCHS
        assert lane.figures is not None
        assert lane.figures.test_loss == alone.evaluation.test_loss
        kept = drafts.named(entrant.name)
        assert (kept.tags, kept.record.end) == (("race",), "epochs")
        assert kept.last is not None
        assert alone.draft is not None
        assert alone.draft.last is not None
        for name, tensor in alone.draft.last.tensors.items():
            assert torch.equal(tensor, kept.last.tensors[name])
    assert [lane.snapshot().status for lane in race.lanes] == ["finished"] * 3
    assert race.close(LIMIT)


@pytest.mark.parametrize("unit", ["samples", "seconds"])
def test_variants_are_in_step_by_samples_and_by_seconds(unit: Unit, processor: Processor) -> None:
    length = 1500.0 if unit == "samples" else 0.02
    race = Race(entrants(*varied("training.batch_size", 50)), unit=unit, length=length, processor=processor)
    race.play()
    assert race.wait(LIMIT)
    assert race.over
    done = [lane.progress(unit) for lane in race.lanes]
    if unit == "samples":
        assert all(length <= amount < length + 50 for amount in done)
        assert race.lanes[0].snapshot().step > 2 * race.lanes[1].snapshot().step
    else:
        assert all(amount >= length for amount in done)
    assert race.close(LIMIT)


def test_one_that_diverges_drops_out_with_its_reason_and_the_others_go_on(processor: Processor) -> None:
    drafts = Drafts()
    race = Race(entrants(*varied("optimizer.lr", 1e12, 0.1)), length=EPOCHS, processor=processor, keeper=drafts)
    race.play()
    assert race.wait(LIMIT)
    wild, other = race.lanes[1], race.lanes[2]
    assert wild.out
    assert wild.snapshot().status == "diverged"
    assert other.snapshot().epoch == EPOCHS
    assert "1e+12" not in race.verdict
    assert [bool(one.out) for one in race.standings] == [False, True, False]
    assert len(drafts.found) >= 2, "one that diverged at its first step has nothing to keep"
    assert race.close(LIMIT)


def test_a_variant_that_cannot_be_made_drops_out_too(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    race = Race(entrants(*varied(WIDTH, 3)), length=1, processor=processor)
    real = race._load

    def load(experiment: Experiment) -> data.Dataset:
        if experiment != SPIRAL:
            raise ValueError("torn")
        return real(experiment)

    monkeypatch.setattr(race, "_load", load)
    race.play()
    assert race.wait(LIMIT)
    assert "unexpected error (ValueError: torn)" in race.lanes[1].out
    assert race.verdict.startswith("width 8 is the only one left: test accuracy")
    assert race.close(LIMIT)


def test_a_race_ends_with_the_lease_and_takes_one_place_among_those_who_train(processor: Processor) -> None:
    lease = Lease(LIMIT)
    race = Race(entrants(*varied(ACTIVATION, "ReLU", "GELU")), length=1e6, processor=processor, lease=lease)
    race.play()
    assert race.board.wait(lambda now: race.distance > 0, LIMIT)
    assert processor.turns.members == 1
    lease._ends = 0.0
    assert race.wait(LIMIT)
    assert not race.trains
    assert processor.turns.members == 0
    assert race.close(LIMIT)
    race.play()
    assert not race.trains, "a race that was closed stays so"


def test_early_stopping_ends_a_variant_and_not_the_race(processor: Processor) -> None:
    base = SPIRAL.updated(training=SPIRAL.training.updated(patience=1, min_delta=10.0))
    race = Race(entrants(*varied("training.patience", None), base=base), length=EPOCHS, processor=processor)
    race.play()
    assert race.wait(LIMIT)
    stopped, other = race.lanes
    assert stopped.stopped
    assert stopped.snapshot().epoch < EPOCHS == other.snapshot().epoch
    assert not any(one.out for one in race.standings)
    assert race.close(LIMIT)


def test_the_number_and_the_size_of_variants_are_limited() -> None:
    with pytest.raises(SpecError, match=r"must have 2 to 6 variants\. Got 1"):
        Race(entrants(Variant()))
    with pytest.raises(SpecError, match="Got 7"):
        Race([Entrant(str(place), SPIRAL) for place in range(MOST + 1)])
    wide = SPIRAL.replace_layer((0,), SPIRAL.layers[0].updated(params={"out_features": 1_000_000}))
    with pytest.raises(SpecError, match="GiB in training together"):
        Race([Entrant(str(place), wide) for place in range(MOST)])


# Settings and variants


@given(strategies.experiments(modest=True), st.data())
@settings(max_examples=10)
def test_what_a_setting_is_raced_against_is_another_value_that_it_may_have(
    experiment: Experiment, drawn: st.DataObject
) -> None:
    found = raced(experiment)
    assert len(found) > 20
    one = found[drawn.draw(st.sampled_from(list(found)))]
    for value in others(one, experiment):
        assert one.check(value) != one.get(experiment)
        assert one.phrase(value)


SMALL = [name for name, one in PRESETS.items() if not one.experiment.data.facts.holds_images]


@given(st.sampled_from(SMALL), st.data())
@settings(max_examples=10)
def test_a_rival_differs_and_can_be_trained(name: str, drawn: st.DataObject) -> None:
    base = PRESETS[name].experiment
    path = drawn.draw(st.sampled_from([ACTIVATION, WIDTH, DEPTH, INITIALIZER, "optimizer.type", "optimizer.lr",
                                       "training.batch_size", "loss.type", *raced(base)]))  # fmt: skip
    taken = [Variant()]
    for _ in range(2):
        try:
            found = rival(base, path, taken)
        except SpecError:  # nothing else can be trained
            return
        made = found.of(base)
        assert changes(base, made)
        assert not [one for one in problems(made) if one.severity == "error"]
        assert found not in taken
        taken.append(found)
    names = names_of(base, taken)
    assert len(set(names)) == 3


def test_variants_are_called_by_what_differs() -> None:
    assert names_of(SPIRAL, varied(ACTIVATION, "ReLU")) == ["Tanh", "ReLU"]
    assert names_of(SPIRAL, varied("optimizer.lr", 0.3)) == ["learning rate 0.03", "learning rate 0.3"]
    mixed = [Variant(), Variant((("training.l1_penalty", 0.1),)), Variant((("layers.0.out_features", 3),))]
    assert names_of(SPIRAL, mixed) == [AS_IT_IS, "L1 penalty 0.1", "layer 1 neurons 3"]
    loss = Variant((("loss.type", "NLLLoss"),))
    assert loss.of(SPIRAL).layers[-1].type == "LogSoftmax", "what the loss needs comes with it"
    deeper = Variant(((DEPTH, 5),)).of(SPIRAL)
    assert [layer.type for layer in deeper.layers].count("Linear") == 6
    assert Variant(((DEPTH, 0),)).of(SPIRAL).layers == (LayerSpec(type="Linear", params=SPIRAL.layers[-1].params),)
    with pytest.raises(SpecError, match=r"no setting 'layers\.77\.p'\. Did you mean 'layers\."):
        Variant((("layers.77.p", 1),)).of(SPIRAL)
    with pytest.raises(SpecError, match="'lr' parameter"):
        Variant((("optimizer.lr", -1),)).of(SPIRAL)


# Words


def standings(*values: float, out: Sequence[int] = ()) -> list[Standing]:
    names = ["ReLU", "Tanh", "GELU", "Sigmoid"]
    return [Standing(names[place], value, "broke" if place in out else "") for place, value in enumerate(values)]


@pytest.mark.parametrize(("values", "measure", "over", "said"), [
    (standings(0.975, 0.954, 0.5), ACCURACY, False,
     "ReLU leads: test accuracy 97.5 %, 2.1 points before Tanh, after 40 epochs."),
    (standings(0.5, 0.51), ACCURACY, True, "Tanh wins: test accuracy 51 %, 1 point before ReLU, after 40 epochs."),
    (standings(0.9, 0.9, 0.8), ACCURACY, False,
     "ReLU and Tanh are level: test accuracy 90 %, 10 points before GELU, after 40 epochs."),
    (standings(0.9, 0.9), ACCURACY, True, "ReLU and Tanh end in a tie: test accuracy 90 %, after 40 epochs."),
    (standings(0.9, 0.9, 0.9), ACCURACY, True, "All 3 variants end in a tie: test accuracy 90 %, after 40 epochs."),
    (standings(0.1, 0.2), LOSS, True,
     "ReLU wins: validation loss 0.1, 50 % below that of Tanh, after 40 epochs."),
    (standings(-1.0, -3.0), LOSS, False, "Tanh leads: validation loss −3, 2 below that of ReLU, after 40 epochs."),
    (standings(0.9, 0.8, out=[0]), ACCURACY, True,
     "Tanh is the only one left: test accuracy 80 %, after 40 epochs."),
    (standings(0.9, math.nan, out=[0, 1]), ACCURACY, True, "No variant came to the end, so there is no winner."),
    (standings(math.nan, math.nan), ACCURACY, False, ""),
])  # fmt: skip
def test_who_leads_is_said_in_a_sentence(values: list[Standing], measure: Measure, over: bool, said: str) -> None:
    assert verdict(values, measure, "40 epochs", over=over) == said


def test_what_decides_is_said_plainly() -> None:
    validated = SPIRAL.updated(data=SPIRAL.data.updated(validation_fraction=0.2))
    assert measure_of([SPIRAL]).reason == "Measured by test accuracy, since there is no validation part."
    assert measure_of([validated]) == Measure("accuracy", "validation")
    assert measure_of([SPIRAL], test=False) == Measure("loss", "training")
    plane = PRESETS["plane"].experiment if "plane" in PRESETS else None
    found = plane or next(one.experiment for one in PRESETS.values() if not one.experiment.data.facts.classifies)
    assert measure_of([found, found]) == Measure("loss", "test")
    other = rival(found, "loss.type").of(found)
    assert measure_of([found, other]).kind == "error"
    assert "not comparable" in measure_of([found, other]).reason


def test_losses_that_are_not_comparable_are_compared_by_the_error(processor: Processor) -> None:
    base = next(one.experiment for one in PRESETS.values() if not one.experiment.data.facts.classifies)
    base = base.updated(training=base.training.updated(epochs=None))
    race = Race(entrants(Variant(), rival(base, "loss.type"), base=base), length=2, processor=processor)
    race.play()
    assert race.wait(LIMIT)
    assert "test error" in race.verdict
    first = race.lanes[0]
    if base.loss.type == "MSELoss":
        assert first.figures is not None
        assert first.error == pytest.approx(math.sqrt(first.figures.test_loss), rel=1e-5)
    assert race.close(LIMIT)


@pytest.mark.parametrize(("amount", "unit", "said"), [
    (1, "epochs", "1 epoch"), (40, "epochs", "40 epochs"), (0.25, "epochs", "0.25 epochs"),
    (12_500, "samples", "12,500 samples"), (2.5, "seconds", "2.5 seconds of training each"),
])  # fmt: skip
def test_how_far_it_is_is_said_in_words(amount: float, unit: Unit, said: str) -> None:
    assert progress_text(amount, unit) == said


def test_the_same_name_is_not_given_twice() -> None:
    twice = replace(Variant(), choices=((WIDTH, 8),))
    assert len(set(names_of(SPIRAL, [Variant(), twice]))) == 2
