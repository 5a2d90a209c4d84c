"""A trained network as a zip that predicts on its own: `model.py` in plain PyTorch, its weights, the experiment, and
a page of explanation.

`model.py` is made of the same functions that the playground reads files with (`mlp_core.export.standalone`), and of
the data set's preprocessing as constants, so that its answers are the playground's.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mlp_core.catalog import FEATURES
from mlp_core.export.calls import import_of
from mlp_core.export.imports import import_lines
from mlp_core.export.modules import own_classes, row
from mlp_core.export.pieces import Piece, pieces
from mlp_core.export.preprocessing import Preprocessing
from mlp_core.export.python import Expression, Group, assign, call, layout, literal
from mlp_core.export.sections import join
from mlp_core.export.source import borrow
from mlp_core.export.standalone import prepare_rows, read_image, read_rows, read_table, read_text, write_table
from mlp_core.export.weights import save
from mlp_core.plan import plan
from mlp_core.run.answers import ESTIMATES, PROBABILITIES, predicts_deviations, standard_deviations
from mlp_core.spec import Experiment

MODEL, WEIGHTS, SPEC, README = "model.py", "weights.safetensors", "spec.json", "README.txt"
PACKAGES = ("torch", "numpy", "safetensors")
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same network gives the same bytes


def bundle(
    experiment: Experiment,
    tensors: Mapping[str, Tensor],
    preprocessing: Preprocessing,
    *,
    step: int | None = None,
    test_loss: float | None = None,
    operations: Sequence[str] = (),
) -> bytes:
    """The zip file of a network with these weights. `operations` are sentences on what was done to layers and
    neurons while it was trained.

    Raises `SpecError` if weights and experiment do not fit, `UserError` where a package is missing.
    """
    weights = save(experiment, tensors, step=step, test_loss=test_loss, preprocessing=preprocessing)
    files = {
        MODEL: model_source(experiment, preprocessing).encode(),
        WEIGHTS: weights,
        SPEC: experiment.to_json(2).encode(),
        README: _readme(experiment, preprocessing, step, test_loss, operations).encode(),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def model_source(experiment: Experiment, preprocessing: Preprocessing) -> str:
    """The text of `model.py`."""
    images = bool(preprocessing.image_shape)
    classes = bool(preprocessing.class_names)
    loss = experiment.loss
    answer = PROBABILITIES[loss.entry.link] if classes else ESTIMATES[loss.entry.estimate(loss.params)]
    deviates = not classes and predicts_deviations(loss)
    table = (read_rows, prepare_rows) if preprocessing.kinds else (read_table,)
    reading = (read_image,) if images else (read_text, *table)
    borrowed = borrow(*reading, write_table, answer, *((standard_deviations,) if deviates else ()))
    network = pieces(plan(experiment))
    make_model = _make_model(network)
    targets = [layer.entry.target for _, layer in experiment.walk()]
    own = own_classes(targets, make_model)
    functions = [
        *own.functions,
        make_model,
        _LOAD,
        *borrowed.functions,
        _READ_IMAGES if images else _READ_KINDS if preprocessing.kinds else _READ_TABLES,
        _to_inputs(preprocessing),
        _class_table(experiment, answer.__name__, images)
        if classes
        else _value_table(preprocessing, images, answer.__name__, loss.params["eps"] if deviates else None),
        _MAIN,
    ]
    constants = [*own.constants, *borrowed.constants, *_constants(preprocessing)]
    program = join(["\n".join(constants), *functions, _RUN])
    classes_used = filter(None, map(import_of, targets))
    imports = import_lines(program, [*own.imports, *borrowed.imports, *_IMPORTS, *classes_used])
    return "\n".join([_docstring(experiment, images), "", *imports, "", program, ""])


_IMPORTS = ("import argparse", "import sys", "from pathlib import Path")

_LOAD = '''def load_model():
    """The network with its trained weights, ready to predict."""
    model = make_model()
    model.load_state_dict(load_file(Path(__file__).with_name("weights.safetensors")))
    return model.eval()'''

_READ_IMAGES = '''def read_samples(paths):
    """Images as bytes (N, channels, height, width), and their names."""
    images = np.stack([read_image(path, IMAGE_SHAPE) for path in paths])
    return images, [*map(str, paths)]'''

_READ_TABLES = '''def read_samples(paths):
    """Rows as numbers (N, columns), and their numbers."""
    rows = np.concatenate([read_table(read_text(path), COLUMNS) for path in paths])
    return rows, [*range(1, len(rows) + 1)]'''

_READ_KINDS = '''def read_samples(paths):
    """Rows as numbers (N, inputs), and their numbers."""
    tables = []
    for path in paths:
        rows, decimal = read_rows(read_text(path), COLUMNS)
        kinds = (COLUMNS, KINDS, FORMATS, CATEGORIES, REST, FILLS)
        tables.append(prepare_rows(rows, decimal, *kinds))
    samples = np.concatenate(tables)
    return samples, [*range(1, len(samples) + 1)]'''

_MAIN = '''def main():
    """Read the command line, predict, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["predict"])
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    try:
        samples, names = read_samples(options.files)
    except ValueError as error:
        sys.exit(str(error))
    model = load_model()
    with torch.inference_mode():
        outputs = torch.cat([model(x) for x in to_inputs(samples).split(1000)])
    print(table(names, outputs), end="")'''

_RUN = """if __name__ == "__main__":
    main()"""


def _docstring(experiment: Experiment, images: bool) -> str:
    label = experiment.data.entry.label.replace("\\", "/").replace('"', "'")
    what, file = ("PNG and JPEG images", "picture.png") if images else ("rows of a table", "rows.csv")
    return "\n".join([
        f'"""A network of {plan(experiment).parameters:,} parameters, trained on {label}, that predicts {what}.',
            "",
            "Use it like this:",
        "",
        f"    python {MODEL} predict {file}",
        '"""',
    ])  # fmt: skip


def _constants(preprocessing: Preprocessing) -> list[str]:
    """What the functions of `model.py` read: those settings of the preprocessing that there are."""
    lines = []
    for name in ("columns", "image_shape", "class_names", "target_names", *_OF_KINDS):
        if value := getattr(preprocessing, name):
            lines += assign(name.upper(), _tuple(value))
    for name in ("mean", "std", "target_mean", "target_std"):
        if value := getattr(preprocessing, name):
            lines += assign(name.upper(), call("np.array", Group("[", tuple(map(literal, value)), "]")))
    return lines


_OF_KINDS = ("kinds", "formats", "categories", "rest", "fills")


def _tuple(values: Sequence[object]) -> Expression:
    if len(values) == 1:
        return f"({literal(values[0])},)"
    return Group("(", tuple(map(literal, values)))


def _make_model(network: Sequence[Piece]) -> str:
    return "\n".join([
        "def make_model():",
        '    """The network, with weights that know nothing yet."""',
        *layout(row(network), "return ", indent=4),
    ])  # fmt: skip


def _to_inputs(preprocessing: Preprocessing) -> str:
    """The function from samples to the network's inputs."""
    if preprocessing.features:
        formulas = tuple(FEATURES[name].code for name in preprocessing.features)
        lines = ["    x1, x2 = samples.astype(np.float32).T"]
        lines += layout(call("np.stack", Group("[", formulas, "]"), axis="1"), "samples = ", indent=4)
    elif preprocessing.mean:
        lines = ["    samples = (samples - MEAN) / STD  # as the training samples were"]
    else:
        lines = []
    scale = f" / np.float32({literal(preprocessing.divisor)})" if preprocessing.divisor != 1 else ""
    return "\n".join([
        "def to_inputs(samples):",
        '    """Samples as the network takes them: a float32 tensor."""',
        *lines,
        f"    return torch.from_numpy(samples.astype(np.float32){scale})",
    ])  # fmt: skip


def _class_table(experiment: Experiment, probabilities: str, images: bool) -> str:
    several = plan(experiment).outputs > 1
    threshold = experiment.loss.entry.threshold
    winner = "outputs.argmax(dim=1)" if several else f"(outputs[:, 0] > {threshold:g}).long()"
    return f'''def table(names, outputs):
    """CSV with the predicted class of each sample and the probability of every class."""
    header = ["{_first(images)}", "prediction", *CLASS_NAMES]
    answers = zip(names, {winner}, {probabilities}(outputs))
    return write_table(
        header,
        [
            [name, CLASS_NAMES[best], *(f"{{value:.6f}}" for value in row.tolist())]
            for name, best, row in answers
        ],
    )'''


def _value_table(preprocessing: Preprocessing, images: bool, answer: str, eps: float | None) -> str:
    """`eps` is that of the loss, where the network gives each value a standard deviation."""
    scaled = bool(preprocessing.target_mean)
    lines = [f"values = {answer}(outputs).double().numpy()"]
    lines += ["values = values * TARGET_STD + TARGET_MEAN"] if scaled else []
    lines += [f'header = ["{_first(images)}", *TARGET_NAMES]']
    about = "the predicted values of each sample"
    if eps is not None:
        about = "predicted values and their standard deviations"
        lines += [f"deviations = standard_deviations(outputs, {literal(eps)}).double().numpy()"]
        lines += ["deviations = deviations * TARGET_STD"] if scaled else []
        lines += [
            'header += [f"{name} std" for name in TARGET_NAMES]',
            "values = np.concatenate([values, deviations], axis=1)",
        ]
    made = "\n    ".join(lines)
    return f'''def table(names, outputs):
    """CSV with {about}, in the unit of the data."""
    {made}
    return write_table(
        header,
        [
            [name, *(f"{{value:.7g}}" for value in row)]
            for name, row in zip(names, values)
        ],
    )'''


def _first(images: bool) -> str:
    return "file" if images else "row"


def _readme(
    experiment: Experiment, preprocessing: Preprocessing, step: int | None, test_loss: float | None,
    operations: Sequence[str],
) -> str:  # fmt: skip
    images = bool(preprocessing.image_shape)
    packages = [*PACKAGES, *(["pillow"] if images else [])]
    if images:
        channels, height, width = preprocessing.image_shape
        colour = "grey" if channels == 1 else "colour"
        takes = [
            f"It takes PNG and JPEG files. Each is turned to {colour} and resized to {width} x {height} pixels,",
            "and should look as the images do that the network was trained on.",
        ]
    else:
        takes = ["It takes CSV files whose first line names these columns, in any order:", ""]
        takes += [f"    {name!r}"[:100] for name in preprocessing.columns]
    when = [f"Training steps: {step}"] if step is not None else []
    again = "trains it from its seed" if operations else "trains the same again"
    changed = ["What was done to the network while it was trained:"] if operations else []
    changed += [f"- {sentence}" for sentence in operations]
    when += [f"Loss on the test samples: {test_loss:.6g}"] if test_loss is not None else []
    return "\n".join(
        [
            "A trained network that predicts on its own.",
            "",
            f"    pip install {' '.join(packages)}",
            f"    python {MODEL} predict {'picture.png' if images else 'rows.csv'}",
            "",
            *takes,
            "",
            f"{MODEL:<22}the network and its preprocessing, in plain PyTorch",
            f"{WEIGHTS:<22}the trained numbers; names as in the network's state_dict()",
            f"{SPEC:<22}the whole experiment: MLP Playground opens it and {again}",
            "",
            *when,
            *changed,
            f"Written with PyTorch {torch.__version__}",
            "",
        ]
    )
