"""Every limit on what one experiment may ask of the machine, each in this one place.

Whoever runs a server sets those on uploads with environment variables; each is named at its limit.
"""

import os


def _setting(variable: str, usual: int) -> int:
    """What an environment variable sets, a whole number from 1; the usual value where it is not set."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SystemExit(f"The environment variable {variable} must be a whole number from 1. Got {text[:60]!r}.")
    return int(text)


MAX_LAYERS = 64
"""Layers in one network, those inside others included; a list longer than this cannot be read on a page either."""

MAX_LAYER_DEPTH = 4
"""How many layers may hold one another, the innermost one with plain layers inside."""

MAX_WIDTH = 1_000_000_000
"""Features that one layer may put out; what stops a wide layer is the number of parameters, said with its estimate."""

MAX_PARAMETERS = 50_000_000
"""Parameters in one network: 200 MB of float32, four times that with gradients and Adam's two averages."""

MAX_TRAINING_BYTES = 2 * 1024**3
"""Estimated bytes of weights, gradients, optimizer state and one batch of activations."""

MAX_PASS_NUMBERS = 50_000_000
"""Numbers that all layers together put out in one pass that trains nothing: 200 MB. More samples are answered in
pieces."""

MAX_CHECKPOINTS_BYTES = _setting("MLP_MAX_CHECKPOINTS_MB", 64) * 1_000_000
"""Bytes of all checkpoints of one run together. A network of which two do not fit has none."""

MAX_FORMULA = 200
"""Characters of a formula."""

MAX_FORMULA_DEPTH = 30
"""How deep brackets, functions, signs and powers of a formula may stand inside one another."""

MAX_DRAWN_POINTS = 1000
"""Points of a drawing: so many still fit into a link."""

MAX_TEXT = 200
"""Characters of a value that an error message repeats."""

SHOWN_SAMPLES = 12
"""Test samples whose predictions a page shows one by one."""

MAX_STEP_PARAMETERS = 1_000_000
"""Parameters of a network one of whose steps is taken apart while somebody waits."""

STEP_SAMPLES = 64
"""Samples of a mini-batch that are taken apart at most."""

STEP_SMALL = 10_000
"""Parameters up to which a network is so small that it may be more samples."""

STEP_SAMPLES_SMALL = 256
"""How many those are."""

MAX_STEP_EVALUATIONS = 100
"""Iterations of an optimizer that asks for the loss several times in one step."""

ENDLESS_EPOCHS = 100
"""Epochs of an experiment that trains until paused, where nobody can pause it: on the command line, in a script."""

BYTES_PER_NUMBER = 4
"""Of a float32."""

MAX_CLASSES = _setting("MLP_MAX_CLASSES", 1_000)
"""Classes of a data set: each is an output of the network and a row of the confusion matrix."""

MAX_MEMBER_BYTES = 50_000_000
"""Bytes of one file in an archive once it is unpacked."""

MAX_ARCHIVE_FILES = 200_000
"""Files in an archive."""

MAX_UNPACKED_BYTES = 2 * 1024**3
"""Bytes of all files of an archive together once they are unpacked."""

MAX_ARCHIVE_RATIO = 100
"""How many times larger an archive may become when it is unpacked: images are compressed already."""

MAX_IMAGE_SIDE = 512
"""Pixels of height and width to which uploaded images may be resized."""

MAX_IMAGE_BYTES = _setting("MLP_MAX_IMAGES_MB", 300) * 1_000_000
"""Bytes of all images of an archive together, resized: one for each channel of a pixel."""

MAX_UPLOAD_BYTES = _setting("MLP_MAX_UPLOAD_MB", 200) * 1_000_000
"""Bytes of one uploaded file. `app.py` sets Streamlit's `server.maxUploadSize` by it."""

MAX_UPLOADS_BYTES = _setting("MLP_MAX_UPLOADS_MB", 2_000) * 1_000_000
"""Bytes of all uploaded files together; those longest unused make room."""

MAX_TABLE_ROWS = _setting("MLP_MAX_TABLE_ROWS", 2_000_000)
"""Rows of an uploaded table."""

MAX_TABLE_COLUMNS = _setting("MLP_MAX_TABLE_COLUMNS", 2_000)
"""Columns of an uploaded table."""

MAX_TABLE_CELLS = _setting("MLP_MAX_TABLE_CELLS", 50_000_000)
"""Rows times columns of an uploaded table: 400 MB of numbers while they are read."""

MAX_CELL_BYTES = 10_000
"""Bytes of one cell of an uploaded table."""

MAX_CATEGORIES = 50
"""Categories of one column that get an input of their own; rarer ones share one."""

MAX_NAME = 200
"""Characters of the name of a file, a column, a category or a class."""

MAX_TABLE_TEXT = 100_000
"""Characters of the description of a table, or of an archive of images, in an experiment."""

MAX_RUNS = _setting("MLP_MAX_RUNS", 5_000)
"""Runs that one owner keeps; the oldest without a star go first."""

MAX_RUN_BYTES = _setting("MLP_MAX_RUNS_MB", 1_000) * 1_000_000
"""Bytes of all runs that one owner keeps."""

MAX_ALL_RUNS = _setting("MLP_MAX_ALL_RUNS", 200_000)
"""Runs of all owners together; the oldest without a star go first."""

MAX_ALL_RUN_BYTES = _setting("MLP_MAX_ALL_RUNS_MB", 20_000) * 1_000_000
"""Bytes of all runs of all owners together."""

MAX_SHARES = 200
"""Links to runs that one owner has at a time."""

MAX_KEPT_STATE_BYTES = _setting("MLP_MAX_RUN_STATE_MB", 100) * 1_000_000
"""Bytes of the state that a kept run can go on from; of a larger one only the weights are kept, up to the same size."""

MAX_SWEEP_TRIALS = _setting("MLP_MAX_SWEEP_TRIALS", 1_000)
"""Trials of one sweep; a grid may have no more points."""

MAX_SWEEP_SETTINGS = 20
"""Settings that one sweep searches."""

MAX_SWEEP_CHOICES = 100
"""Values that a setting is chosen from."""

MAX_SWEEPS = _setting("MLP_MAX_SWEEPS", 100)
"""Sweeps that one owner keeps; the oldest go first."""

MAX_UNWATCHED_SWEEP_SECONDS = _setting("MLP_MAX_SWEEP_HOURS", 12) * 3600
"""How long a sweep goes on while nobody looks at its page; then it pauses."""
