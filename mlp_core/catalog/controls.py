"""The parts of the playground that a teacher's link can hide (`?hide=`) or fix at their value (`?lock=`)."""

from __future__ import annotations

from mlp_core.catalog.entry import Entry, table

CONTROLS: dict[str, Entry] = table(
    Entry(name="preset", label="Presets", summary="The choice of a ready experiment."),
    Entry(name="dataset", label="Data set", summary="Which data set is learned."),
    Entry(name="data", label="Data", summary="Everything about the data: set, noise, size, split, input features."),
    Entry(name="features", label="Input features", summary="What the network sees of each point."),
    Entry(name="network", label="Network", summary="The layers, their widths and settings."),
    Entry(name="activation", label="Activation", summary="The activations between the layers."),
    Entry(name="regularisation", label="Regularisation", summary="Weight decay, dropout and clipping."),
    Entry(name="loss", label="Loss", summary="What training makes small."),
    Entry(name="optimizer", label="Optimizer", summary="How a step moves the weights, and its settings."),
    Entry(name="scheduler", label="Schedule", summary="How the learning rate changes by itself."),
    Entry(name="learning_rate", label="Learning rate", summary="How far a step goes."),
    Entry(name="batch_size", label="Batch size", summary="Samples per step."),
    Entry(name="epochs", label="Epochs", summary="After how many passes the run ends."),
    Entry(name="seed", label="Seed", summary="The number that all chance is drawn from, and new weights."),
    Entry(name="device", label="Device", summary="Where the network is trained."),
    Entry(name="speed", label="Speed", summary="How fast training is shown."),
    Entry(name="step", label="Single steps", summary="Training one mini-batch or one epoch at a time."),
    Entry(name="output", label="Output", summary="The picture of what the network has learned."),
    Entry(name="views", label="Views", summary="Curves, confusion matrix, histograms."),
    Entry(name="test", label="Test figures", summary="Loss and accuracy on the test samples."),
    Entry(name="code", label="Code", summary="Export and share."),
)
