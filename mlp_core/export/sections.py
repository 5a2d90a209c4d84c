"""A program in parts, each a piece of code with words about it: comments in a script, text cells in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlp_core.export.python import comment


@dataclass(frozen=True)
class Section:
    """Some code."""

    title: str
    """A notebook's heading over it."""
    text: str
    """What there is to say."""
    blocks: tuple[str, ...]
    """Pieces that are separated by empty lines, as many as Python's style asks for."""

    def after(self, *blocks: str) -> Section:
        """The section with other code before its own; its text stays with its own."""
        if not blocks:
            return self
        first, *rest = self.blocks
        words = comment(self.text) if self.text else []
        return Section(self.title, "", (*blocks, "\n".join([*words, first]), *rest))

    @property
    def code(self) -> str:
        """The code without the words."""
        return join(self.blocks)


def join(blocks: Iterable[str]) -> str:
    """Blocks with an empty line between them, or two around a function or a class."""
    text = ""
    before = ""
    for block in filter(None, blocks):
        if text:
            text += "\n" * (3 if _defines(before) or _defines(block) else 2)
        text += block
        before = block
    return text


def _defines(block: str) -> bool:
    return block.startswith(("def ", "class ", "@"))


def as_script(docstring: str, imports: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole program as the text of a file."""
    blocks: list[str] = []
    for section in sections:
        first, *rest = section.blocks
        words = comment(section.text) if section.text else []
        if words and _defines(first):
            blocks += ["\n".join(words)]
            blocks += [first, *rest]
        else:
            blocks += ["\n".join([*words, first]), *rest]
    return "\n\n".join([f'"""{docstring}\n"""', "\n".join(imports), join(blocks)]) + "\n"
