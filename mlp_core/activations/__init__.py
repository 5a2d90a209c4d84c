"""Activations at work, measured in PyTorch: values and slopes, what they cost, what they do to a signal."""
