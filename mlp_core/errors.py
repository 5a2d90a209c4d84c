"""Errors that a user is meant to read."""

from __future__ import annotations


class UserError(ValueError):
    """One sentence for a user: what is wrong, where, and how to put it right."""


class SpecError(UserError):
    """A part of an experiment that its catalog entry or the spec's schema refuses."""


class DataError(UserError):
    """A data set that is missing, unreadable or unfit for the experiment."""
