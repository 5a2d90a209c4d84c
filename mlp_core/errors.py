"""Errors that a user is meant to read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


class UserError(ValueError):
    """One sentence for a user: what is wrong, where, and how to put it right."""


class SpecError(UserError):
    """A part of an experiment that its catalog entry or the spec's schema refuses."""

    def on_page(self, whose: str = "") -> str:
        """The same for a page; `whose` is what a parameter belongs to, as 'layer 2'."""
        return str(self)


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


class ConflictError(SpecError):
    """Values of one entry's parameters that exclude each other. The text names them as files and commands do."""

    def __init__(self, message: str, parameters: Iterable[Any]) -> None:
        super().__init__(message)
        self.parameters = tuple(parameters)
        """All parameters of the entry, each a `mlp_core.catalog.parameters.Parameter`."""

    def on_page(self, whose: str = "") -> str:
        """The same for a page, where people know labels and fields: 'Lowest of layer 2 must be below Highest, …'."""
        labels = {parameter.name: parameter.label for parameter in self.parameters}

        def label(found: re.Match[str]) -> str:
            return str(labels.get(found[1], found[0]))

        text = re.sub(r"^The '(\w+)' parameter of .+? must", lambda found: f"'{found[1]}'§ must", str(self))
        text = re.sub(r"'(\w+)'", label, text).replace("§", f" of {whose}" if whose else "", 1)
        text = re.sub(r"\b(\w+_\w+)\b", label, text)
        text = text.replace(" must be None", " must be empty").replace(" must be False", " must be off")
        got = re.compile(r"\. Got ([-\d.,e]+)? ?.*?instead\.")
        return got.sub(lambda found: f", not {found[1]}." if found[1] else ".", text)


class TooLargeError(SpecError):
    """An experiment that asks for more than a limit of `mlp_core.limits`; the sentence gives the estimate."""


class DataError(UserError):
    """A data set that is missing, unreadable or unfit for the experiment."""
