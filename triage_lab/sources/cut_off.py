"""Text files that end within a row: half-written exports, told from files whose last row is merely wrong."""

# ruff: noqa: S608 - the SQL is made of our own names; what users write enters only as quoted literals

from __future__ import annotations

import json
from typing import Any

from triage_lab.domain.errors import ExportError, Place
from triage_lab.sources.bytestream import last_line
from triage_lab.sources.facts import FileFacts
from triage_lab.sources.line_ends import ends_quoted
from triage_lab.sources.typed import TypedRows

_WORDS = ("true", "false", "null")


def refuse_cut_off(con: Any, rows: TypedRows, facts: FileFacts) -> None:
    """Refuse a CSV or JSON Lines file that ends in the middle of its last row.

    Parameters
    ----------
    rows : TypedRows
        The file's rows and rejects.
    facts : FileFacts
        The file as it is on disk.

    Raises
    ------
    ExportError
        The last row is broken, no line end follows it, and it is the beginning of a row: it ends within quotes, has
        fewer columns than the header, or is the start of a JSON object.

    Notes
    -----
    A file that is cut off within its last column, or exactly behind a row, looks whole; only a count can tell.
    """
    if facts.format == "parquet":
        return
    found = con.execute(
        f'SELECT reason FROM {rows.rejects} WHERE "row" = ? AND "column" IS NULL', [rows.rows]
    ).fetchall()
    line = last_line(facts.path, packed=facts.packed) if found else None
    if line is None:
        return
    if facts.format.startswith("jsonl"):
        how = "its JSON object is not closed" if is_beginning(line) else ""
    elif ends_quoted(facts.path, facts.delimiter, packed=facts.packed):
        how = "a quote is never closed"
    else:
        how = found[0][0] if str(found[0][0]).startswith("fewer columns") else ""
    if how:
        raise ExportError(
            f"the file ends in the middle of row {rows.rows:,}: {how}, and no line end follows", "a whole file",
            "export or copy it again; if only a last line of other text is left over, remove that line",
            place=Place(facts.place.file, row=rows.rows), kind="cut off",
        )  # fmt: skip


def is_beginning(line: str) -> bool:
    """Whether a text is the beginning of a JSON object that goes on.

    Examples
    --------
    >>> is_beginning('{"id": 7, "subj'), is_beginning('{"id": 7, "done": tr'), is_beginning('{"id": 7} x')
    (True, True, False)
    """
    text = line.rstrip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        rest = text[error.pos :]
        unfinished = error.msg.startswith(("Unterminated", "Invalid \\u", "Invalid \\escape")) and len(rest) < len(text)
        half_word = error.msg == "Expecting value" and any(word.startswith(rest) for word in (*_WORDS, "-"))
        return text.startswith("{") and (not rest or unfinished or half_word)
    except RecursionError:
        return False
    return False
