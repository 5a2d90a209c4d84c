"""Sweeps: many trials of an experiment, chosen by Optuna out of a space of settings, trained in the background.

`space` says what is searched, `spec` how, `choosing` asks Optuna, `measuring` runs one trial, `sweep` all of them.
"""
