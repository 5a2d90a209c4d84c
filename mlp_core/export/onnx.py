"""A trained network as an ONNX graph.

The graph takes what the model takes: float32 inputs, already scaled, named 'input', with a free number of samples.
It gives the model's outputs, named 'logits', and on request class probabilities as well.

Of PyTorch's two exporters this uses the one that records operators as TorchScript does. It is deprecated, but it
keeps its state in the thread that calls it and takes hundredths of a second. The newer one (`dynamo=True`) traces
for seconds with patches to the whole process: while it ran, predictions in other threads came out wrong. What the
recording exporter writes inexactly is replaced before, by modules of simple operators (`onnx_layers`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlp_core.errors import UserError
from mlp_core.export.state import missing_package, network
from mlp_core.run.nogil import TRACING
from mlp_core.spec import Experiment

if TYPE_CHECKING:
    from torch import Tensor

INPUT, OUTPUT, PROBABILITIES = "input", "logits", "probabilities"
OPSET = 18
"""The version of ONNX's operators: that of 2022, which every runtime in use knows."""


def export_onnx(experiment: Experiment, tensors: Mapping[str, Tensor], *, probabilities: bool = False) -> bytes:
    """The network with these weights as an ONNX file, checked by ONNX's own checker.

    With `probabilities`, a network that tells classes apart has a second output: float32 (N, classes). Raises
    `SpecError` if weights and experiment do not fit, `UserError` where a package is missing or a layer has no
    counterpart in ONNX.
    """
    import torch

    from mlp_core.export.onnx_layers import prepared

    try:
        import onnx
    except ImportError:
        raise missing_package("onnx") from None
    wanted = probabilities and experiment.data.facts.task == "classification"
    model = prepared(network(experiment, tensors), experiment.loss.entry.link if wanted else None)
    outputs = [OUTPUT, PROBABILITIES] if wanted else [OUTPUT]
    content = io.BytesIO()
    try:
        with TRACING, warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (torch.zeros((2, *experiment.data.facts.sample_shape)),),
                content,  # type: ignore[arg-type]  # a file object is fine for this exporter
                dynamo=False,
                input_names=[INPUT],
                output_names=outputs,
                dynamic_axes={name: {0: "batch"} for name in (INPUT, *outputs)},
                opset_version=OPSET,
            )
        onnx.checker.check_model(onnx.load_from_string(content.getvalue()), full_check=True)
    except Exception as error:
        # The exporter fails with whatever error its operators raise.
        reason = (str(error).splitlines() or [""])[0][:200]
        raise UserError(
            f"This network cannot be written as ONNX: {reason}. Export its code and weights instead."
        ) from error
    return content.getvalue()


def largest_difference(content: bytes, experiment: Experiment, tensors: Mapping[str, Tensor], x: Tensor) -> float:
    """How far ONNX Runtime's outputs are from PyTorch's at most, for inputs float32 (N, ...) as the model takes them.

    Raises `UserError` where a package is missing.
    """
    try:
        import onnxruntime
    except ImportError:
        raise missing_package("onnxruntime") from None
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (outputs,) = session.run([OUTPUT], {INPUT: x.numpy()})
    import torch

    with torch.no_grad():
        expected = network(experiment, tensors)(x)
    found = torch.from_numpy(outputs)
    apart = torch.where(found == expected, 0.0, (found - expected).abs())  # two infinities are not apart
    return float(apart.max())
