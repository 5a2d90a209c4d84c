"""What each input does to a network's answer for one sample: gradient times input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp_core.export.preprocessing import Preprocessing
from mlp_core.export.state import network
from mlp_core.export.weights import Weights
from mlp_core.predict import inputs_of


def influence(weights: Weights, sample: NDArray[Any], preprocessing: Preprocessing, output: int) -> NDArray[np.float32]:
    """Gradient times input of one sample in its own units: (inputs,) of a table, (height, width) of an image.

    The gradient is that of the score of class `output`, or of output `output` of a regression, with respect to the
    inputs that the network sees. The score is the output before any probability is made of it: the slope of a
    probability vanishes where the network is sure. A network with a single output for two classes has the score of
    class 1, and its negative for class 0. The channels of an image are added up. (Shrikumar and others, Not Just a
    Black Box, 2016.)
    """
    import torch

    model = network(weights.experiment, weights.tensors)
    inputs = torch.from_numpy(inputs_of(sample[None], preprocessing)).requires_grad_()
    with torch.enable_grad():
        outputs = model(inputs)[0]
        single = len(outputs) == 1 and bool(preprocessing.class_names)
        score = outputs[0] * (1 if output == 1 else -1) if single else outputs[output]
        (gradient,) = torch.autograd.grad(score, inputs)
    found: NDArray[np.float32] = (gradient * inputs.detach())[0].numpy()
    return found.sum(axis=0) if preprocessing.image_shape else found
