"""`predict WEIGHTS.safetensors FILE…`: what a trained network says of new rows or images, as CSV."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Register the command."""
    predict = commands.add_parser("predict", help="predict rows of a CSV file, or PNG and JPEG images, as CSV")
    predict.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors", help="as 'train --save' writes them")
    predict.add_argument("files", type=Path, nargs="+", metavar="FILE")
    predict.add_argument(
        "--data-dir", type=Path, help="folder of downloaded sets, for weights without their preprocessing"
    )
    predict.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> None:
    from mlp_core import predict
    from mlp_core.export import weights

    saved = weights.load(options.weights)
    preprocessing = predict.with_preprocessing(saved, options.data_dir)
    samples, names = predict.read_files(options.files, preprocessing)
    print(predict.predict(saved, samples, preprocessing, names).as_csv(), end="")
