"""The run: an experiment in progress, with its model, batches, random numbers and test passes."""
