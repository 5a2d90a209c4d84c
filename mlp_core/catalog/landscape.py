"""How a loss landscape is cut out of the space of all weights: parameters of the page and of the command line."""

from __future__ import annotations

from dataclasses import replace

from mlp_core.catalog.entry import Entry
from mlp_core.catalog.parameters import Choice, Float, Int
from mlp_core.catalog.training import SEED

RANDOM, PATH = "random", "path"
DIRECTIONS: dict[str, str] = {RANDOM: "Random", PATH: "Along the path"}
"""The two ways to choose a plane, with what a page calls them."""

LANDSCAPE = Entry(
    name="landscape",
    label="Loss landscape",
    summary="The loss over a plane through the weights as they are.",
    parameters=(
        Choice(
            name="directions",
            label="Directions",
            help="'random': two random directions; each neuron's row of weights is as long as the row that it is added "
            "to, and biases stay as they are (Li et al., 2018). 'path': the two directions in which this run has moved "
            "most (principal components of its path).",
            default=RANDOM,
            choices=tuple(DIRECTIONS),
        ),
        Float(
            name="span",
            label="Span",
            help="How far the plane reaches. With random directions, 1 changes each neuron's weights by as much as "
            "they are long. Along the path, 1 holds the whole path with a margin.",
            default=1.0,
            low=0.0,
            low_open=True,
            high=100.0,
            step=0.25,
            advice="Choose a number above 0, at most 100; 0.5 to 2 is usual.",
        ),
        Int(
            name="size",
            label="Points per side",
            help="The loss is computed at so many points in each direction; twice as many take four times as long.",
            default=31,
            low=5,
            high=101,
            step=10,
            advice="Choose a whole number from 5 to 101; 21 to 51 is usual.",
        ),
        Int(
            name="samples",
            label="Samples",
            help="The most samples of a part that the loss is computed on. Of a larger part, so many are drawn.",
            default=500,
            low=1,
            high=1_000_000,
            step=500,
            advice="Choose a whole number from 1 to 1000000; 500 is usual.",
        ),
        replace(
            SEED,
            label="Seed",
            default=0,
            controls=(),
            help="The number that directions and samples are drawn from: another seed gives another plane.",
        ),
    ),
)
"""The settings of a loss landscape."""
