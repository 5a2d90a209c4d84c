"""The processor: who may compute when, on which threads."""
