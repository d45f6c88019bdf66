"""Files as streams of chunks: hash, UTF-8, gzip and line ends in one pass and in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from triage_lab.domain.errors import ExportError, Place

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 1 << 20
TAIL_BYTES = 1 << 22
BOMB_BYTES = 1 << 26
BOMB_RATIO = 200
_WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


@dataclass(frozen=True, slots=True)
class TextFacts:
    """One streamed text: hash and size of the bytes on disk, and what the text looks like.

    ``head`` is the first mebibyte as text, ``whole`` says that this is all of it; ``line_ends`` names those that occur
    anywhere, in quoted values too.
    """

    sha256: str
    size: int
    head: str
    whole: bool
    nul: bool
    line_ends: frozenset[str]


@dataclass(slots=True)
class _Scan:
    """What has been seen so far; chunks are handed in one by one."""

    path: Path
    packed: bool
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    head: bytearray = field(default_factory=bytearray)
    offset: int = 0
    nul: bool = False
    json: bool = False
    line_ends: set[str] = field(default_factory=set)
    tail: bytes = b""

    def take(self, chunk: bytes) -> None:
        """Check and note one chunk."""
        self._decode(chunk)
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
            self.json = self.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
        self.nul = self.nul or b"\x00" in chunk or (self.json and self._escaped_nul(chunk))
        self._note_line_ends(chunk)
        self.tail = (self.tail + chunk[-5:])[-5:]
        self.offset += len(chunk)

    def _escaped_nul(self, chunk: bytes) -> bool:
        """Whether JSON text spells a NUL out, also across the border of two chunks."""
        return b"\\u0000" in chunk or b"\\u0000" in self.tail + chunk[:5]

    def _note_line_ends(self, chunk: bytes) -> None:
        """Note which line ends occur; a CR at the end of a chunk is decided with the next one."""
        held = self.tail[-1:] == b"\r"
        if not held and b"\r" not in chunk:
            self.line_ends |= {"lf"} if b"\n" in chunk else set()
            return
        crlf = chunk.count(b"\r\n")
        lone_lf, lone_cr = chunk.count(b"\n") - crlf, chunk.count(b"\r") - crlf - chunk.endswith(b"\r")
        if held:
            joined = chunk.startswith(b"\n")
            crlf, lone_lf, lone_cr = crlf + joined, lone_lf - joined, lone_cr + (not joined)
        self.line_ends |= {name for name, seen in (("crlf", crlf), ("lf", lone_lf), ("cr", lone_cr)) if seen}

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        """Refuse bytes that are not UTF-8, naming offset and line."""
        pending = len(self.decoder.getstate()[0])
        if not pending and not final and chunk.isascii():
            return
        try:
            self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            offset = self.offset + error.start - pending
            raise _not_utf8(self, error.object[error.start], offset, error.object) from error

    def finish(self) -> None:
        """Refuse a text that ends within a character, and decide a CR at the very end."""
        self._decode(b"", final=True)
        if self.tail[-1:] == b"\r":
            self.line_ends.add("cr")


class _Hashing(io.RawIOBase):
    """A raw stream that hashes and counts what is read through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw, self.digest, self.size = raw, hashlib.sha256(), 0

    def readable(self) -> bool:
        """Reading is all it does."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read into the buffer, hashing on the way."""
        view = memoryview(cast("bytearray", buffer))
        data = self.raw.read(len(view))
        view[: len(data)] = data
        self.digest.update(data)
        self.size += len(data)
        return len(data)


def read_binary(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file."""
    with path.open("rb", buffering=0) as raw:
        stream = _Hashing(cast("BinaryIO", raw))
        for _ in _blocks(stream):
            continue
        return stream.digest.hexdigest(), stream.size


def _blocks(stream: io.RawIOBase) -> Iterator[bytes]:
    """Yield what is left in a stream, block by block."""
    while block := stream.read(CHUNK_BYTES):
        yield block


def chunks(path: Path, *, packed: bool) -> Iterator[bytes]:
    """Yield the unpacked bytes of a text file, at most ``CHUNK_BYTES`` at a time."""
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def has_blank_lines(path: Path, *, packed: bool) -> bool:
    """Whether two line ends stand together anywhere; a suspicion only, a quoted value may hold them rightly."""
    tail = b""
    for chunk in chunks(path, packed=packed):
        if any(pair in chunk or pair in tail + chunk[:2] for pair in (b"\n\n", b"\n\r\n", b"\r\r")):
            return True
        tail = (tail + chunk[-2:])[-2:]
    return False


def last_line(path: Path, *, packed: bool) -> str | None:
    """Return the text behind the last line end, at most ``TAIL_BYTES`` of it; None if the file ends with a line end."""
    tail = b""
    if packed:
        for chunk in chunks(path, packed=True):
            tail = (tail + chunk)[-TAIL_BYTES:]
    else:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - TAIL_BYTES, 0))
            tail = stream.read()
    line = tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :]
    return line.decode("utf-8", "replace") if line else None


def read_text(path: Path, *, packed: bool) -> TextFacts:
    """Stream a text file once.

    Raises
    ------
    ExportError
        Not UTF-8, binary, gzip that is cut off or damaged, or packed so tightly that it must be a bomb.
    """
    place = Place(str(path))
    scan = _Scan(path, packed)
    with path.open("rb", buffering=0) as raw:
        hashing = _Hashing(cast("BinaryIO", raw))
        try:
            stream = gzip.GzipFile(fileobj=hashing, mode="rb") if packed else io.BufferedReader(hashing, CHUNK_BYTES)
            for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
                if not scan.offset:
                    _check_start(chunk, place)
                scan.take(chunk)
                if packed and scan.offset > BOMB_BYTES and scan.offset > BOMB_RATIO * hashing.size:
                    raise _bomb(scan.offset, hashing.size, place)
            scan.finish()
            for _ in _blocks(hashing):
                continue
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ExportError(
                f"the gzip file is cut off or damaged ({error})", "a whole gzip file",
                "copy or export it again; `gzip -t` tests it", place=place,
            ) from error  # fmt: skip
    head = bytes(scan.head).decode("utf-8", "ignore").removeprefix("\ufeff")
    whole = scan.offset <= HEAD_BYTES
    return TextFacts(hashing.digest.hexdigest(), hashing.size, head, whole, scan.nul, frozenset(scan.line_ends))


def _check_start(chunk: bytes, place: Place) -> None:
    """Refuse wide encodings and binary files by their first bytes."""
    for mark, name in _WIDE:
        if chunk.startswith(mark):
            raise _wide(name, place)
    sample = chunk[:4096]
    if b"\x00" in sample:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 0.4 * len(sample) / 2 and min(even, odd) < 0.05 * len(sample):
            raise _wide("UTF-16LE" if odd > even else "UTF-16BE", place)
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    if control > 0.05 * len(sample) and control > 3:
        raise ExportError(
            "this is a binary file", "a CSV, CSV.gz, Parquet or JSON Lines file",
            "export the table as CSV (UTF-8)", place=place, kind="binary",
        )  # fmt: skip


def _wide(name: str, place: Place) -> ExportError:
    """The error for UTF-16 and UTF-32."""
    return ExportError(
        f"the file is in {name}", "text in UTF-8",
        f"convert it: iconv -f {name} -t UTF-8 OLD > NEW", place=place, encoding=name,
    )  # fmt: skip


def _not_utf8(scan: _Scan, byte: int, offset: int, around: bytes) -> ExportError:
    """The error for a byte that is not UTF-8, with a guess at what it is."""
    line, at = 1, 0
    for chunk in chunks(scan.path, packed=scan.packed):
        line += chunk[: max(offset - at, 0)].count(b"\n")
        at += len(chunk)
        if at > offset:
            break
    guess = _guess(around)
    return ExportError(
        f"byte 0x{byte:02x} at offset {offset} is not UTF-8" + (f"; it looks like {guess}" if guess else ""),
        "text in UTF-8", f"convert it: iconv -f {guess or 'ENCODING'} -t UTF-8 OLD > NEW",
        place=Place(str(scan.path), line), offset=offset, encoding=guess,
    )  # fmt: skip


def _guess(chunk: bytes) -> str:
    """Name the likely single-byte encoding; empty if the bytes are no text in any that we know."""
    high = bytes(byte for byte in chunk if byte >= 128)
    if len(high) > 0.3 * len(chunk):
        return ""
    if any(128 <= byte < 160 for byte in high):
        return "" if any(byte in b"\x81\x8d\x8f\x90\x9d" for byte in high) else "WINDOWS-1252"
    return "ISO-8859-1"


def _bomb(unpacked: int, packed: int, place: Place) -> ExportError:
    """The error for a gzip file that grows out of proportion."""
    return ExportError(
        f"{packed:,} packed bytes unpack to more than {unpacked:,}", f"at most {BOMB_RATIO} times the packed size",
        "unpack the file yourself and ingest the unpacked one if it is right", place=place,
    )  # fmt: skip
