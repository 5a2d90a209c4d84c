"""Errors that a user is meant to read."""

from __future__ import annotations

from typing import Any


class UserError(ValueError):
    """One sentence for a user: what is wrong, where, and how to put it right."""


class SpecError(UserError):
    """A part of an experiment that its catalog entry or the spec's schema refuses."""


class ParameterError(SpecError):
    """A value that the rule of a parameter refuses. The text names the parameter as files and the command line do."""

    def __init__(self, message: str, parameter: Any, value: object) -> None:
        super().__init__(message)
        self.parameter = parameter
        """The parameter whose rule it is, a `mlp_core.catalog.parameters.Parameter`."""
        self.value = value
        """What was given."""

    def on_page(self, whose: str = "") -> str:
        """The same for a page, where people know labels and fields: 'Neurons of layer 2 must be …'."""
        found: str = self.parameter.refusal(self.value, whose)
        return found


class TooLargeError(SpecError):
    """An experiment that asks for more than a limit of `mlp_core.limits`; the sentence gives the estimate."""


class DataError(UserError):
    """A data set that is missing, unreadable or unfit for the experiment."""
