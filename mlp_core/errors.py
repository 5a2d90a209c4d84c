"""Errors that a user is meant to read."""

from __future__ import annotations


class UserError(ValueError):
    """One sentence for a user: what is wrong, where, and how to put it right."""


class SpecError(UserError):
    """A part of an experiment that its catalog entry or the spec's schema refuses."""


class TooLargeError(SpecError):
    """An experiment that asks for more than a limit of `mlp_core.limits`; the sentence gives the estimate."""


class DataError(UserError):
    """A data set that is missing, unreadable or unfit for the experiment."""
