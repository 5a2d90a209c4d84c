"""General words of the field that labels and helps use: what is no entry of another table, each in a sentence."""

from __future__ import annotations

from mlp_core.catalog.entry import Entry, table


def _term(name: str, label: str, summary: str) -> Entry:
    return Entry(name=name, label=label, summary=summary)


TERMS: dict[str, Entry] = table(
    # Data
    _term("sample", "Sample", "One example of the data: its features, and the target that belongs to them."),
    _term("feature", "Feature", "One number of a sample that the network gets as input."),
    _term("target", "Target", "What is to be predicted for a sample: a class, or a number."),
    _term("class", "Class", "One of the kinds that samples are sorted into."),
    _term("classification", "Classification", "Predicting which class a sample belongs to."),
    _term("regression", "Regression", "Predicting a number."),
    _term("one-hot", "One-hot", "A class written as numbers: 1 in its own place, 0 in those of all other classes."),
    _term("standardise", "Standardise", "Shift and scale a feature to mean 0 and standard deviation 1."),
    _term("noise", "Noise", "Random shifts of generated samples; the more, the harder they are to tell apart."),
    _term("split", "Split", "The division of the samples into a training, a validation and a test part."),
    _term("training-part", "Training part", "The samples that the weights are fitted to."),
    _term("validation-part", "Validation part", "Samples kept out of training, to choose settings by."),
    _term("test-part", "Test part", "Samples kept out of training and of every choice, to see how well new ones are "
          "predicted."),
    _term("class-weight", "Class weight", "How much the loss of a class's samples counts: more for rare classes."),
    # Network
    _term("mlp", "Multilayer perceptron (MLP)", "A network of Linear layers, each but the last followed by an "
          "activation."),
    _term("neuron", "Neuron", "One output of a layer: a weighted sum of its inputs plus a bias, mostly with an "
          "activation after it."),
    _term("layer", "Layer", "A step of the network that turns the numbers of a sample into others."),
    _term("hidden-layer", "Hidden layer", "A layer between the input and the output layer."),
    _term("width", "Width", "How many neurons a layer has."),
    _term("weight", "Weight", "A learned number that an input is multiplied by."),
    _term("bias", "Bias", "A learned number that is added to a neuron's weighted sum."),
    _term("parameter", "Parameter", "A number that training changes: a weight or a bias."),
    _term("buffer", "Buffer", "A number of a layer that is stored with it and not trained, as a running mean."),
    _term("activation", "Activation", "The function after a layer that lets a network bend: without one, all layers "
          "together are one straight line."),
    _term("logits", "Logits", "The raw outputs of a classifier, before softmax or sigmoid makes them probabilities."),
    _term("residual-block", "Residual block", "Layers whose input is added to their output, so that gradients find a "
          "short way back."),
    _term("initialisation", "Initialisation", "The numbers that weights and biases have before training."),
    # Training
    _term("loss", "Loss", "One number for how wrong the outputs are; training makes it small."),
    _term("gradient", "Gradient", "For every weight, how much the loss grows as that weight grows."),
    _term("forward-pass", "Forward pass", "Computing the outputs and the loss from the inputs, layer by layer."),
    _term("backpropagation", "Backpropagation", "Computing all gradients from the loss back to the first layer, by the "
          "chain rule; also called the backward pass."),
    _term("optimizer", "Optimizer", "The rule that turns gradients into new weights."),
    _term("learning-rate", "Learning rate", "How far a step moves the weights."),
    _term("schedule", "Learning rate schedule", "How the learning rate changes by itself while training goes on."),
    _term("momentum", "Momentum", "Steps that go on in the direction of the steps before."),
    _term("jump", "Jump of the loss", "A rise of the loss that comes back: a mini-batch that fits badly made a large "
          "step; a smaller learning rate or clipped gradients help."),
    _term("mini-batch", "Mini-batch", "The samples that one step computes its gradient from."),
    _term("full-batch", "Full batch", "All training samples in one mini-batch."),
    _term("step", "Step", "One mini-batch: a forward pass, a backward pass and an update of the weights."),
    _term("epoch", "Epoch", "One pass over all training samples."),
    _term("seed", "Seed", "The number that random numbers are drawn from: the same seed gives the same run."),
    _term("engine", "Engine", "What carries out the steps; all engines give the same numbers, some are faster."),
    _term("early-stopping", "Early stopping", "Ending a run when the validation loss no longer falls."),
    _term("checkpoint", "Checkpoint", "A copy of the weights, and of what the optimizer remembers, at one step."),
    _term("regularisation", "Regularisation", "What keeps a network from fitting the training part too closely, as "
          "weight decay or dropout."),
    _term("weight-decay", "Weight decay", "Pulling all weights a little towards zero at each step."),
    _term("gradient-clipping", "Gradient clipping", "Shortening a gradient that is longer than a bound."),
    _term("zero-grad", "Zeroing gradients", "Clearing the last step's gradients, which PyTorch otherwise adds up."),
    _term("freezing", "Freezing", "Leaving the weights of a layer as they are while others are trained; in PyTorch, "
          "requires_grad_(False)."),
    _term("ablation", "Ablation", "Taking a part of a network out, as one neuron, to see what it is good for."),
    _term("net2net", "Net2Net", "Making a network wider without a change of its outputs: a neuron is copied, and the "
          "weights that lead out of it are divided."),
    # What happens
    _term("overfitting", "Overfitting", "The test loss rises while the train loss still falls: the network memorises."),
    _term("underfitting", "Underfitting", "Train and test loss both stay high: the network is too small, or trained "
          "too little."),
    _term("divergence", "Divergence", "The loss grows without bound or is no number any more, mostly from too high a "
          "learning rate."),
    _term("nan", "NaN", "'Not a number': what is left of a computation such as infinity minus infinity."),
    _term("saturation", "Saturation", "Inputs so large that an activation is flat, and its gradient nearly zero."),
    _term("vanishing-gradient", "Vanishing gradient", "Gradients that shrink from layer to layer until the first ones "
          "hardly learn."),
    _term("exploding-gradient", "Exploding gradient", "Gradients that grow from layer to layer until a step throws the "
          "weights far away."),
    _term("dying-relu", "Dying ReLU", "A ReLU neuron that puts out 0 for every sample, and so has no gradient."),
    _term("bias-shift", "Bias shift", "Outputs of a layer with a mean far from zero, which slows the next layer."),
    _term("self-normalisation", "Self-normalisation", "Layers that pull their outputs to mean 0 and variance 1 by "
          "themselves."),
    _term("sparsity", "Sparsity", "Many outputs, or weights, that are exactly zero."),
    # Answers
    _term("decision-boundary", "Decision boundary", "Where the predicted class changes from one to another."),
    _term("probability", "Probability", "The network's share for a class: all of a sample's shares add up to 1."),
    _term("confidence", "Confidence", "The probability of the class that is predicted."),
    _term("threshold", "Threshold", "The probability from which on the positive class is predicted."),
    _term("confusion-matrix", "Confusion matrix", "How often each class was predicted as each: the diagonal is right."),
    _term("support", "Support", "How many samples a class has."),
    _term("macro-mean", "Macro mean", "The mean over classes, each counting the same."),
    _term("weighted-mean", "Weighted mean", "The mean over classes, each counting as much as it has samples."),
    _term("roc-curve", "ROC curve", "True positive rate against false positive rate, at every threshold."),
    _term("precision-recall-curve", "Precision-recall curve", "Precision against recall, at every threshold."),
    _term("calibration", "Calibration", "Whether answers with a confidence of 80 % are right 80 times in 100."),
    _term("residual", "Residual", "The predicted value minus the actual one."),
    # Files
    _term("state-dict", "state_dict", "PyTorch's name for the parameters and buffers of a module, by name."),
    _term("safetensors", "safetensors", "A file of weights that holds numbers only, and so can be opened safely."),
    _term("onnx", "ONNX", "A file of a network that programs other than PyTorch can run."),
    _term("spec", "Experiment (spec)", "Every setting of a run, as a file or a link: it gives the same run again."),
)  # fmt: skip
