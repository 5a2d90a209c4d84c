"""The lines that give weights and biases the initial values that were chosen for them, and freeze layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlp_core.export.calls import call_of
from mlp_core.export.pieces import Piece, walk
from mlp_core.export.python import layout


def lines_of(network: Iterable[Piece], place: Callable[[Piece, str], str]) -> list[str]:
    """A call of `nn.init` for each, in the order of the layers. `place` gives the code for a piece's tensor, '' where
    it has none of that name."""
    found = []
    for piece in walk(network):
        for name, init in piece.initializers.items():
            tensor = place(piece, name) if init is not None else ""
            if init is not None and tensor:
                made = call_of(init.entry.target, f"nn.init.{init.type}", init.params, (tensor,))
                found += layout(made)
    return found


def of_model(network: Iterable[Piece], paths: Mapping[str, str] | None, model: str = "model") -> list[str]:
    """The lines for a module in code, those that freeze layers last. `paths` gives the key of each submodule by its
    name there; None where they are the same."""
    names = {key: name for name, key in (paths or {}).items()}

    def place(piece: Piece, name: str) -> str:
        if name == "bias" and not piece.params["bias"]:
            return ""
        return f"{model}{_access(_path(piece.key, names))}.{name}"

    frozen = [
        f"{model}{_access(_path(piece.key, names))}.requires_grad_(False)  # frozen"
        for piece in walk(network)
        if piece.frozen
    ]
    return [*lines_of(network, place), *frozen]


def _path(key: str, names: Mapping[str, str]) -> str:
    """The name in code of the submodule with this key: its own, or that of a layer around it with the rest."""
    if key in names:
        return names[key]
    outer, _, inner = key.rpartition(".")
    return f"{_path(outer, names)}.{inner}" if outer else key


def _access(path: str) -> str:
    """How code reaches a submodule: layers of an `nn.Sequential` by number, others by name."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))
