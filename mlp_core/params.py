"""Parameters of a catalog entry, as a part of a spec: they cannot be changed, and can be hashed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NoReturn

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError


class Params(Mapping[str, Any]):
    """The parameters of a catalog entry by name: a mapping that cannot be changed, and that can be hashed."""

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", {name: _frozen(value) for name, value in values.items()})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("parameters cannot be changed; make a copy with `updated`")

    def __reduce__(self) -> tuple[type[Params], tuple[dict[str, Any]]]:
        return Params, (self._values,)

    def __repr__(self) -> str:
        return repr(self._values)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Params(value)
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def plain_values(value: Any) -> Any:
    """Parameters as dicts and tuples of plain values, as JSON is written from."""
    if isinstance(value, Mapping):
        return {name: plain_values(inner) for name, inner in value.items()}
    return type(value)(map(plain_values, value)) if isinstance(value, list | tuple) else value


def _read_params(value: Any) -> Params:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
    return Params(value)


ParamsField = Annotated[Mapping[str, Any], PlainValidator(_read_params), PlainSerializer(plain_values)]
