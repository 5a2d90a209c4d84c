"""Measurements of speed: `python -m benchmarks NAME`. Tests never time anything; this does."""
