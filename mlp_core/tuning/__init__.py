"""Trying settings out: repetitions with other seeds, the learning-rate finder, scans of batch size and width."""
