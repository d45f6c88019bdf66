"""What a file is, found out by streaming it once: format, columns, hash, and whatever makes it unusable."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.sources.bytestream import HEAD_BYTES, TextFacts, read_binary, read_text

Format = Literal["csv", "csv.gz", "parquet", "jsonl", "jsonl.gz"]

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "save the sheet as CSV (UTF-8)"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2, or pack it with gzip"),
    (b"\xfd7zXZ", "an xz file", "unpack it with unxz, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file", "unpack it with zstd -d, or pack it with gzip"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV (UTF-8)"),
    (b"%PDF", "a PDF document", "export the table as CSV (UTF-8)"),
)
_SPELT = {"tab": "\t", "\\t": "\t"}
_SAID = {"\t": "tab"}
_FORMATS = "a CSV, CSV.gz, Parquet or JSON Lines file"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one streamed pass over a file has shown.

    Parameters
    ----------
    path : Path
        The file as the caller named it.
    format : str
        ``csv``, ``csv.gz``, ``parquet``, ``jsonl`` or ``jsonl.gz``; from the content, not from the name.
    encoding : str
        ``utf-8`` for text (a byte order mark is fine), empty for Parquet.
    delimiter : str
        Column separator of CSV, empty otherwise.
    columns : tuple of str
        Column names as written; for JSON Lines the keys of the first mebibyte, in order of appearance.
    content_sha256 : str
        SHA-256 of the bytes on disk, lower-case hex.
    size : int
        Bytes on disk.
    skip : int
        Blank lines before the header.
    mixed_line_ends, nul : bool
        Whether several kinds of line end occur (a suspicion: a quoted value may hold any), and whether NUL characters.
    empty : bool
        Whether there are columns and no row.
    """

    path: Path
    format: Format
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    content_sha256: str
    size: int
    skip: int = 0
    mixed_line_ends: bool = False
    nul: bool = False
    empty: bool = False

    @property
    def packed(self) -> bool:
        """Whether the file is gzip-packed."""
        return self.format.endswith(".gz")

    @property
    def place(self) -> Place:
        """The file as a place for errors."""
        return Place(str(self.path))


def probe(path: Path, *, delimiter: str | None = None, rows: bool = True) -> FileFacts:
    r"""Read a file once, in bounded memory, and say what it is.

    Parameters
    ----------
    path : Path
        A CSV, gzip-packed CSV, Parquet or JSON Lines file; any name will do, the content decides.
    delimiter : str or None
        One character between columns, or the word ``tab``; default a comma, or a tab for names that end in ``.tsv``
        or ``.tsv.gz``.
    rows : bool
        Whether a file with a header and no row is refused; else its facts say so.

    Returns
    -------
    FileFacts

    Raises
    ------
    ExportError
        The file is missing, a directory, unreadable, empty, has a header only, is not text in UTF-8, is corrupt or
        cut off, uses another delimiter, or names a column twice.
    UsageError
        ``delimiter`` is no such character.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tickets.csv"
    ...     _ = file.write_text("ticket_id,created_at\n1,2026-01-31T09:30:00Z\n")
    ...     probe(file).columns
    ('ticket_id', 'created_at')
    """
    _check_place(path)
    try:
        with path.open("rb") as handle:
            head = handle.read(16)
        if not head:
            raise ExportError(
                "the file is empty (0 bytes)", _FORMATS, "export it again", place=Place(str(path)), kind="empty"
            )
        if head.startswith(b"PAR1"):
            return _refuse_no_row(_probe_parquet(path), wanted=rows)
        for magic, what, action in _MAGIC:
            if head.startswith(magic):
                raise ExportError(f"this is {what}", _FORMATS, action, place=Place(str(path)), kind="binary")
        return _refuse_no_row(_probe_text(path, packed=head.startswith(b"\x1f\x8b"), delimiter=delimiter), wanted=rows)
    except OSError as error:
        reason = error.strerror or str(error)
        action = "check the permissions and the disk"
        raise ExportError(f"cannot be read ({reason})", "a readable file", action, place=Place(str(path))) from error


def _refuse_no_row(facts: FileFacts, *, wanted: bool) -> FileFacts:
    """The facts, unless rows are wanted and there is none."""
    if facts.empty and wanted:
        parquet = facts.format == "parquet"
        found = "the Parquet file has no row" if parquet else "the file has a header only, no row"
        expected = "at least one row" if parquet else "at least one row below the header"
        raise ExportError(found, expected, "export it again", place=facts.place)
    return facts


def _check_place(path: Path) -> None:
    """Refuse what is not a regular file before it is opened."""
    place = Place(str(path))
    if not path.exists():
        what = "a link to a file that does not exist" if path.is_symlink() else "no such file"
        raise ExportError(what, _FORMATS, "check the path", place=place)
    if path.is_dir():
        raise ExportError("this is a directory", "one file", "name the files in it", place=place)
    if not path.is_file():
        raise ExportError("not a regular file (a pipe or a device)", "a file on disk", "save it first", place=place)


def _probe_parquet(path: Path) -> FileFacts:
    """Read a Parquet file's footer and hash its bytes."""
    import pyarrow as arrow
    from pyarrow import parquet

    place = Place(str(path))
    try:
        with parquet.ParquetFile(path) as file:
            names = tuple(str(name) for name in file.schema_arrow.names)
            rows = file.metadata.num_rows
    except (arrow.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        action = "export or copy the file again"
        raise ExportError(
            f"a corrupt or cut-off Parquet file ({reason})", "a whole Parquet file", action, place=place
        ) from error
    _check_names(names, place)
    digest, size = read_binary(path)
    return FileFacts(path, "parquet", "", "", names, digest, size, empty=rows == 0)


def _probe_text(path: Path, *, packed: bool, delimiter: str | None) -> FileFacts:
    """Stream a text file, then read its head as CSV or JSON Lines."""
    text = read_text(path, packed=packed)
    place = Place(str(path))
    first = text.head.lstrip(" \t\r\n")
    if not first:
        raise ExportError("the file holds only blank lines", _FORMATS, "export it again", place=place, kind="empty")
    if first[0] == "[" and _is_json(path, first):
        raise ExportError(
            "this is one JSON array", "JSON Lines: one object in each line",
            f"convert it, for instance with: jq -c '.[]' {path.name}", place=place,
        )  # fmt: skip
    if first[0] == "{" and (_is_json(path, first) or first.startswith('{"')):
        return _jsonl_facts(path, text, packed=packed)
    return _csv_facts(path, text, packed=packed, delimiter=delimiter)


def _is_json(path: Path, first: str) -> bool:
    """Whether the name says JSON, or the first line is one whole JSON value."""
    name = path.name.removesuffix(".gz")
    if name.endswith((".json", ".jsonl", ".ndjson")):
        return True
    try:
        json.loads(first.split("\n", 1)[0])
    except ValueError:
        return first.split("\n", 1)[0].strip() == "["
    return True


def _jsonl_facts(path: Path, text: TextFacts, *, packed: bool) -> FileFacts:
    """Collect the keys of the objects in the head."""
    keys: dict[str, None] = {}
    lines = text.head.split("\n")
    if not text.whole and len(lines) > 1:
        lines.pop()  # the last line of the head is cut off
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a broken line becomes a reject when the rows are staged
        if isinstance(value, dict):
            keys.update(dict.fromkeys(key for key in value if _is_sound(key)))
    if not keys and len(lines) == 1 and not text.whole:
        raise ExportError(
            f"the first line is longer than {HEAD_BYTES:,} bytes", "JSON Lines: one object in each line",
            f"if it is one long array or object, convert it: jq -c '.[]' {path.name}", place=Place(str(path), 1),
        )  # fmt: skip
    if not keys:
        raise ExportError(
            "no line is a JSON object", "JSON Lines: one object in each line",
            f"convert it, for instance with: jq -c . {path.name}", place=Place(str(path)),
        )  # fmt: skip
    form: Format = "jsonl.gz" if packed else "jsonl"
    return FileFacts(path, form, "utf-8", "", tuple(keys), text.sha256, text.size, nul=text.nul)


def _is_sound(key: str) -> bool:
    """Whether a key is text that any engine can hold: no NUL, no half of a surrogate pair."""
    return "\x00" not in key and not any("\ud800" <= char <= "\udfff" for char in key)


def _csv_facts(path: Path, text: TextFacts, *, packed: bool, delimiter: str | None) -> FileFacts:
    """Parse the header of a CSV file and check it."""
    place = Place(str(path))
    delimiter = _SPELT.get(delimiter, delimiter) if delimiter else delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
        raise UsageError(
            f"the delimiter {delimiter[:20]!r}", "one ASCII character, not a quote or a line end, or the word tab",
            "correct --delimiter",
        )  # fmt: skip
    separator = delimiter or ("\t" if path.name.removesuffix(".gz").endswith(".tsv") else ",")
    skip, names, rest = _header(text, separator, place)
    if "\x00" in "".join(names):
        raise ExportError("the header holds a NUL character", "a text header", "export it again", place=place)
    if len(names) == 1:
        _check_delimiter(names[0], separator, place)
    _check_names(names, place)
    form: Format = "csv.gz" if packed else "csv"
    return FileFacts(
        path, form, "utf-8", separator, names, text.sha256, text.size, skip,
        mixed_line_ends=len(text.line_ends) > 1, nul=text.nul, empty=text.whole and not rest.strip(),
    )  # fmt: skip


def _header(text: TextFacts, separator: str, place: Place) -> tuple[int, tuple[str, ...], str]:
    """Return the blank lines before the header, its names, and the text behind it."""
    lines = io.StringIO(text.head, newline="").readlines()
    skip = next(index for index, line in enumerate(lines) if line.strip("\r\n"))
    reader = csv.reader(lines[skip:], delimiter=separator, strict=True)
    try:
        names = next(reader)
    except csv.Error as error:
        raise ExportError(
            f"the header cannot be read ({error})", f"one line of names with '{separator}' between them",
            "close the quotes in the header", place=Place(place.file, skip + 1),
        ) from error  # fmt: skip
    consumed = skip + reader.line_num
    if consumed >= len(lines) and not text.whole:
        raise ExportError(
            f"the first line is longer than {HEAD_BYTES:,} bytes", "a header line with column names",
            "check that the file is a table", place=place,
        )  # fmt: skip
    return skip, tuple(names), "".join(lines[consumed:])


def _check_delimiter(header: str, separator: str, place: Place) -> None:
    """Refuse a single column whose name holds another separator."""
    for other, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
        if other != separator and other in header:
            used = "commas" if separator == "," else repr(separator)
            raise ExportError(
                f"one column whose name holds {word}: {header[:80]!r}", f"columns separated by {used}",
                f"say what parts the columns: --delimiter {_SAID.get(other, repr(other))}",
                place=place, delimiter=other,
            )  # fmt: skip


def _check_names(names: tuple[str, ...], place: Place) -> None:
    """Refuse a header that names a column twice."""
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in seen:
            shown = f"'{name}'" if name else "an empty name"
            raise ExportError(
                f"the header has {shown} twice (columns {seen[name]} and {position})", "each column name once",
                "rename or remove one of the two columns", place=place, column=name,
            )  # fmt: skip
        seen[name] = position
