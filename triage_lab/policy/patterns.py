"""LIKE as a regular expression; both back ends use the same one."""

from __future__ import annotations

_SPECIAL = frozenset("\\.+*?()|[]{}^$#&-~/")


def like_regex(pattern: str) -> str:
    """Return the regular expression that a whole text must match.

    ``%`` is any run of characters, line ends included, ``_`` exactly one; everything else is itself.

    Examples
    --------
    >>> like_regex("50%_x")
    '50.*.x'
    """
    out: list[str] = []
    for char in pattern:
        if char == "%":
            if out[-1:] != [".*"]:
                out.append(".*")
        elif char == "_":
            out.append(".")
        else:
            out.append("\\" + char if char in _SPECIAL else char)
    return "".join(out)


def fold(text: str) -> str:
    """Return a text in lower case, the form that ILIKE and ``lower`` compare."""
    return text.lower()
