"""A YAML file read once: plain values, and where each of them stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from triage_lab.domain.errors import Place

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Positions of values in a file.

    Parameters
    ----------
    file : str
        File as the user named it.
    positions : mapping of path to (line, column)
        Path = keys and list indexes from the root, ``()`` is the root; lines and columns count from 1.
        The position of a mapping's value is that of its key, of a list item that of the item.
    """

    file: str
    positions: Mapping[Path, tuple[int, int]] = field(default_factory=dict)

    def place(self, *path: str | int) -> Place:
        """Return the place of a path, or of its nearest known parent."""
        for end in range(len(path), -1, -1):
            found = self.positions.get(path[:end])
            if found is not None:
                return Place(self.file, *found)
        return Place(self.file)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document as plain dicts, lists and scalars, with its source map."""

    data: Mapping[str, object]
    source: SourceMap

    @property
    def file(self) -> str:
        """The file's name as the user gave it."""
        return self.source.file
