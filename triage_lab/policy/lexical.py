"""What the text of a condition may look like at all, checked before any parser sees it.

One pass over the characters, bounded by the length cap: only the alphabet of the language outside quotes,
no comments, no statement ends, no deep nesting. So the parser only ever meets short, flat, plain text.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

from triage_lab.domain.errors import NOWHERE, Place, PolicyError

MAX_CHARACTERS = 2_000
MAX_DEPTH = 64
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ \t\r\n.,:()<>=!+-*/'")
_LANGUAGE = "columns, constants, :params, = <> < <= > >=, BETWEEN, IN, LIKE, IS NULL, AND, OR, NOT, + - * /"
FUNCTIONS = ("lower", "coalesce", "abs", "length", "contains")
_KEYWORDS = frozenset({"and", "or", "not", "in", "between", "like", "ilike", "is"})
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_ODD_NUMBER = re.compile(r"(?<![A-Za-z0-9_])(?:[0-9][0-9.]*_[0-9_]*|0[xXbBoO][0-9A-Fa-f]+)")
_PAIRS = {
    "--": "a comment",
    "/*": "a comment",
    "//": "the operator '//'",
    "::": "a cast",
    "->": "the operator '->'",
    "**": "the operator '**'",
    "==": "the operator '=='",
    ":=": "the operator ':='",
    "=>": "the operator '=>'",
}
_NAMED = {
    ";": "a statement end",
    '"': "a quoted name",
    "`": "a quoted name",
    "?": "a placeholder without a name",
    "$": "a placeholder in '$' style",
    "[": "a list",
    "{": "a structure",
    "#": "a comment",
    "\\": "a backslash",
    "%": "the operator '%'",
    "|": "the operator '|'",
}


def check_text(text: str, place: Place = NOWHERE) -> None:
    """Refuse text that cannot be a condition of the language.

    Parameters
    ----------
    text : str
        The condition as written.
    place : Place
        Where it stands; errors add the character position.

    Raises
    ------
    PolicyError
        Empty, longer than 2,000 characters, nested deeper than 64, a character outside the language (such as a
        look-alike letter) outside of quotes, a control character, a comment, an open string or bracket.
    """
    if not text.strip():
        raise PolicyError("an empty condition", _LANGUAGE, "write a condition, or TRUE for every ticket", place=place)
    if len(text) > MAX_CHARACTERS:
        raise PolicyError(
            f"a condition of {len(text):,} characters",
            f"at most {MAX_CHARACTERS:,} characters",
            "split the rule, or put long lists under sets:",
            place=place,
        )
    _check_outside(text, _blank_strings(text, place), place)


def _blank_strings(text: str, place: Place) -> str:
    """Check quoted strings and return the text of equal length with each of them blanked to ``'   '``."""
    out: list[str] = []
    inside = False
    for position, char in enumerate(text):
        if char == "'":
            inside = not inside
            out.append(char)
            continue
        if inside and (ord(char) < 32 or ord(char) == 127 or unicodedata.category(char) == "Cs"):
            raise _refused(f"a control character (U+{ord(char):04X}) in a text", position, text, place)
        out.append(" " if inside else char)
    if inside:
        raise PolicyError(
            "a text that does not end", "a closing '", "close the quote; write '' for ' itself", place=place
        )
    return "".join(out)


def _check_outside(text: str, outside: str, place: Place) -> None:
    """Check what stands outside of strings: alphabet, pairs of characters, nesting."""
    depth = 0
    for position, char in enumerate(outside):
        if char not in _PLAIN:
            raise _refused(_describe(char), position, text, place)
        pair = outside[position : position + 2]
        if pair in _PAIRS:
            raise _refused(_PAIRS[pair], position, text, place)
        depth += (char == "(") - (char == ")")
        if depth < 0:
            raise _refused("a ) without its (", position, text, place)
        if depth > MAX_DEPTH:
            raise _too_deep(place)
    if depth:
        raise PolicyError("a ( without its )", "as many ) as (", "close the bracket", place=place)
    for call in _CALL.finditer(outside):
        if call[1].lower() not in _KEYWORDS and call[1].lower() not in FUNCTIONS:
            raise _unknown_function(call[1], place)
    odd = _ODD_NUMBER.search(outside)
    if odd:
        raise _refused(f"the number {odd[0][:40]}", odd.start(), text, place)
    _check_prefixes(outside, place)


def _unknown_function(name: str, place: Place) -> PolicyError:
    """Build the error for a call of anything not on the allowlist."""
    close = difflib.get_close_matches(name.lower(), FUNCTIONS, n=1)
    allowed = f"functions: {', '.join(FUNCTIONS)}"
    return PolicyError(
        f"unknown function '{name[:60]}'", f"did you mean '{close[0]}'? {allowed}" if close else allowed, place=place
    )


def _check_prefixes(outside: str, place: Place) -> None:
    """Refuse NOTs and signs that nest deeper than the cap together with brackets."""
    words = outside.replace("(", " ( ").replace(")", " ) ").replace("-", " - ").replace("+", " + ").split()
    stack: list[int] = []
    pending = deepest = 0
    for word in words:
        if word == "(":
            stack.append(pending)
        elif word == ")":
            pending = stack.pop()
        elif word.upper() == "NOT" or word in {"-", "+"}:
            pending += 1
        else:
            pending = stack[-1] if stack else 0
        deepest = max(deepest, pending + len(stack))
    if deepest > MAX_DEPTH:
        raise _too_deep(place)


def _describe(char: str) -> str:
    """Name a character that is not allowed."""
    if char in _NAMED:
        return _NAMED[char]
    if char == "\x00":
        return "a NUL character"
    name = unicodedata.name(char, "unnamed")
    shown = f"'{char}' " if char.isprintable() else ""
    return f"the character {shown}(U+{ord(char):04X} {name})"


def _refused(what: str, position: int, text: str, place: Place) -> PolicyError:
    """Build the error for something at a position."""
    near = text[max(0, position - 15) : position + 15].encode("utf-8", "replace").decode()
    return PolicyError(
        f"{what} at character {position + 1} of the condition, near {near!r}",
        _LANGUAGE,
        "put texts in single quotes and use only what the language has",
        place=place,
        position=position + 1,
    )


def _too_deep(place: Place) -> PolicyError:
    """Build the error for deep nesting."""
    return PolicyError(
        f"a condition nested deeper than {MAX_DEPTH}", f"at most {MAX_DEPTH} levels", "split the rule", place=place
    )
