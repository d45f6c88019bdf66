"""A CSV copy with one kind of line end and no blank lines, for files that the reader would refuse or miscount.

Only what stands outside quotes changes; a quoted value keeps its line breaks byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from triage_lab.sources.bytestream import CHUNK_BYTES, chunks

_MARK = b"\xef\xbb\xbf"
_NAMES = {b"\n": "lf", b"\r\n": "crlf", b"\r": "cr"}
_LOOK_AHEAD = 2  # the longest token, CR LF quote, has three bytes


@dataclass(slots=True)
class _Cleaner:
    """Walks over a text piece by piece; knows whether it is inside quotes and which line ends it met outside."""

    border: re.Pattern[bytes]
    pending: bytes = b""
    started: bool = False
    quoted: bool = False
    at_line_start: bool = True
    kinds: set[str] = field(default_factory=set)

    def feed(self, piece: bytes, *, last: bool) -> bytes:
        """Take the next piece and return what can be given out."""
        block, at, out = self.pending + piece, 0, bytearray()
        if not self.started:
            if len(block) <= len(_MARK) and not last:
                self.pending = block
                return b""
            block, self.started = block.removeprefix(_MARK), True
            if block.startswith(b'"'):
                out, at, self.quoted, self.at_line_start = bytearray(b'"'), 1, True, False
        limit = len(block) if last else len(block) - _LOOK_AHEAD
        while at < limit:
            at = self._close(block, at, limit, out) if self.quoted else self._step(block, at, limit, out)
        self.pending = block[at:]
        return bytes(out)

    def _close(self, block: bytes, at: int, limit: int, out: bytearray) -> int:
        """Copy up to the quote that closes the value; a doubled quote does not."""
        close = block.find(b'"', at, limit)
        if close < 0:
            out += block[at:limit]
            return limit
        self.quoted = block[close + 1 : close + 2] == b'"'
        end = close + 1 + self.quoted
        out += block[at:end]
        return end

    def _step(self, block: bytes, at: int, limit: int, out: bytearray) -> int:
        """Copy up to and including the next separator or line end."""
        found = self.border.search(block, at)
        if found is None or found.start() >= limit:
            out += block[at:limit]
            self.at_line_start = False
            return limit
        token, quote = found.groups()
        blank = self.at_line_start and found.start() == at
        out += block[at : found.start()]
        if token in _NAMES:
            self.kinds.add(_NAMES[token])
            out += b"" if blank else b"\n"
        else:
            out += token
        out += quote
        self.quoted, self.at_line_start = bool(quote), token in _NAMES and not quote
        return found.end()


def _cleaner(delimiter: str) -> _Cleaner:
    """A quote opens a value only behind a separator or at the start of a line."""
    return _Cleaner(re.compile(rb"(\r\n?|\n|" + re.escape(delimiter.encode()) + rb'(?="))("?)'))


def cleaned(stream: Iterable[bytes], delimiter: str) -> Iterator[bytes]:
    r"""Yield the text with LF as its only line end outside quotes, and without blank lines and byte order mark.

    Parameters
    ----------
    stream : iterable of bytes
        The file in pieces of any size.
    delimiter : str
        Column separator.

    Examples
    --------
    >>> b"".join(cleaned([b'a,b\r\n\n1,"x\r', b'\n"\r2,y'], ","))
    b'a,b\n1,"x\r\n"\n2,y'
    """
    cleaner = _cleaner(delimiter)
    for piece in stream:
        yield cleaner.feed(piece, last=False)
    yield cleaner.feed(b"", last=True)


def has_mixed_line_ends(path: Path, delimiter: str, *, packed: bool) -> bool:
    """Whether line ends outside quotes differ; raw bytes cannot tell, because quoted values may hold any."""
    cleaner = _cleaner(delimiter)
    for piece in chunks(path, packed=packed):
        cleaner.feed(piece, last=False)
        if len(cleaner.kinds) > 1:
            return True
    cleaner.feed(b"", last=True)
    return len(cleaner.kinds) > 1


def write_cleaned(path: Path, target: Path, delimiter: str, *, packed: bool) -> None:
    """Write the cleaned, unpacked text of a CSV file to ``target`` in bounded memory."""
    with target.open("wb", buffering=CHUNK_BYTES) as out:
        for piece in cleaned(chunks(path, packed=packed), delimiter):
            out.write(piece)


def ends_quoted(path: Path, delimiter: str, *, packed: bool) -> bool:
    """Whether a CSV file ends within a quoted value."""
    cleaner = _cleaner(delimiter)
    for piece in chunks(path, packed=packed):
        cleaner.feed(piece, last=False)
    cleaner.feed(b"", last=True)
    return cleaner.quoted
