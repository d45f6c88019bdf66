"""Errors in three parts: what was found and where, what was expected, what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found; every part is optional.

    Parameters
    ----------
    file : str or None
        File as the user named it.
    line, column : int or None
        1-based position in a text file.
    row : int or None
        1-based data row (the header is not counted).
    """

    file: str | None = None
    line: int | None = None
    column: int | None = None
    row: int | None = None

    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        text = ":".join(parts)
        if self.row is not None:
            text = f"{text} row {self.row}".strip()
        return text


NOWHERE = Place()


class TriageLabError(Exception):
    """Anything the tool refuses; the message says what, where, what was expected and what to do.

    Parameters
    ----------
    found : str
        What was found, without a full stop.
    expected : str
        What would have been right.
    action : str
        What the user can do now.
    place : Place
        File, line, column or row.
    values : object
        Further values, kept in ``values`` for callers and ``--json``.
    """

    exit_code = 70

    def __init__(
        self, found: str, expected: str = "", action: str = "", *, place: Place = NOWHERE, **values: object
    ) -> None:
        self.found, self.expected, self.action, self.place, self.values = found, expected, action, place, values
        super().__init__(str(self))

    def __str__(self) -> str:
        where = str(self.place)
        lines = [f"{where}: {self.found}" if where else self.found]
        if self.expected:
            lines.append(f"expected: {self.expected}")
        if self.action:
            lines.append(f"next: {self.action}")
        return "\n".join(lines)


class UsageError(TriageLabError):
    """The call itself is wrong: flags, an empty window, a missing extra."""

    exit_code = 2


class ExportError(TriageLabError):
    """An input file is missing or cannot be read or typed."""

    exit_code = 3


class ConfigError(TriageLabError):
    """triage_lab.toml or operations.yaml is missing or wrong."""

    exit_code = 3


class PolicyError(TriageLabError):
    """A policy or a predicate is refused."""

    exit_code = 3


class ContextError(TriageLabError):
    """A context column cannot be given as of arrival."""

    exit_code = 3


class StoreError(TriageLabError):
    """The store is locked, unreadable, too new, or has no such run."""

    exit_code = 3


class ReplayError(TriageLabError):
    """The desk cannot be replayed with these inputs."""

    exit_code = 3


class GateError(TriageLabError):
    """A gate file is refused."""

    exit_code = 3


class InternalError(TriageLabError):
    """A promise of the tool itself is broken: a failed trail audit, a rerun with other bytes."""

    exit_code = 70
