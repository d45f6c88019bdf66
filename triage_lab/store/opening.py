"""Opening the store: per operation, with a bounded wait for the lock and one clear error for each mishap."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from triage_lab.domain.errors import Place, StoreError
from triage_lab.store.migrations import is_current, migrate, read_version

_RETRY_SECONDS = 0.05
_HOLDER = re.compile(r"Conflicting lock is held in (?P<command>.+?) \(PID (?P<pid>\d+)\)")
_LOCK = re.compile(r"\block\b", re.IGNORECASE)  # "block" in the words for a corrupt file is no lock
# the engine takes most of the machine's memory where it may; ingest spills to disk instead, and is no slower
_INGEST_MEMORY = "2GB"
_INGEST = "triage-lab ingest FILES… --source SOURCE (or `triage-lab demo` for a lab with synthetic data)"


@contextmanager
def open_store(path: str | Path, *, write: bool, wait_seconds: float = 5.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the lab's database for one operation and close it after.

    Parameters
    ----------
    path : str or Path
        The database file; with ``write`` it and its folder are created where missing.
    write : bool
        True: read and write, files can be read by SQL (ingest), the schema is migrated. False: read-only, and
        SQL reaches no files; works in a folder that cannot be written. A store of an older schema is
        migrated first.
    wait_seconds : float
        How long to wait for another process that has the file open, seconds.

    Yields
    ------
    duckdb connection
        Time zone UTC; views see every load until `set_as_of` says otherwise.

    Raises
    ------
    StoreError
        Missing (read-only), a folder, not a store, newer than this version, no permission, or locked
        beyond ``wait_seconds`` (naming the holder).
    """
    file = Path(path)
    _check_path(file, write)
    # Spill files of a reader must not land beside a database that may be in a read-only folder.
    with tempfile.TemporaryDirectory(prefix="triage_lab-", ignore_cleanup_errors=True) as spill:
        con = _open_current(file, write, spill, wait_seconds)
        try:
            yield con
        finally:
            con.close()


def _check_path(file: Path, write: bool) -> None:
    """Refuse what cannot be a store before the engine is asked; create the folder for writing."""
    place = Place(str(file))
    if file.is_dir():
        raise StoreError("a folder where the database should be", "a DuckDB file", "correct `database`", place=place)
    if file.exists():
        return
    if not write:
        raise StoreError("no store here yet", "a database with ingested tickets", _INGEST, place=place)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_permission(file, str(error)) from error


def _open_current(file: Path, write: bool, spill: str, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Connect, and see to it that the schema is this version's."""
    con = _connect(file, write, spill, wait_seconds)
    try:
        if write:
            migrate(con, str(file))
            return con
        if is_current(*read_version(con, str(file))):
            return con
    except duckdb.IOException as error:
        con.close()
        raise _refusal(file, error) from error
    except BaseException:
        con.close()
        raise
    con.close()
    _connect_and_migrate(file, spill, wait_seconds)
    return _connect(file, False, spill, wait_seconds)


def _connect_and_migrate(file: Path, spill: str, wait_seconds: float) -> None:
    """Migrate an older store on behalf of a reader, who could not read it otherwise."""
    con = _connect(file, True, spill, wait_seconds)
    try:
        migrate(con, str(file))
    except duckdb.IOException as error:
        raise _refusal(file, error) from error
    finally:
        con.close()


def _connect(file: Path, write: bool, spill: str, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Connect with our settings, retrying while another process holds the lock."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": spill,
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",
        "preserve_insertion_order": "true",
    }
    if write:
        config["memory_limit"] = _INGEST_MEMORY
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            con = duckdb.connect(str(file), read_only=not write, config=config)
            break
        except duckdb.Error as error:
            left = deadline - time.monotonic()
            if not _LOCK.search(str(error)) or left <= 0:
                raise _refusal(file, error, wait_seconds) from error
            time.sleep(min(_RETRY_SECONDS, left))
    con.execute("SET TimeZone = 'UTC'")
    # In a notebook the setting itself is refused where no widget library is installed, though the bar is off already.
    if con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        con.execute("SET enable_progress_bar = false")
    if not write:
        con.execute("SET enable_external_access = false")
    return con


def _no_permission(file: Path, message: str) -> StoreError:
    """Return the error of a file or folder that may not be written or read."""
    return StoreError(
        f"no permission: {message}",
        "a database file and folder that this user may read, and write where something is stored",
        "change the permissions, or set `database` in triage_lab.toml to another path",
        place=Place(str(file)),
    )


def _refusal(file: Path, error: duckdb.Error, wait_seconds: float = 0.0) -> StoreError:
    """Turn what the engine said into our error."""
    message = str(error).split("\n")[0].removeprefix("IO Error: ")
    place = Place(str(file))
    holder = _HOLDER.search(message)
    if holder is not None:
        return StoreError(
            f"locked by another process: {holder['command']} (PID {holder['pid']}), waited {wait_seconds:g} s",
            "one writer at a time",
            "let it finish, or end it, then run the command again",
            place=place, command=holder["command"], pid=int(holder["pid"]),
        )  # fmt: skip
    if _LOCK.search(message):
        return StoreError(f"locked: {message}", "one writer at a time", "try again later", place=place)
    if "different configuration" in message:
        return StoreError(
            "open for reading and for writing at once in this process", "one of them at a time",
            "leave the first `open_store` block before the second", place=place,
        )  # fmt: skip
    if "not a valid DuckDB database" in message:
        return StoreError(
            "not a DuckDB database", "a store that triage-lab made",
            "set `database` in triage_lab.toml to another path, or restore the file from a copy", place=place,
        )  # fmt: skip
    if "Permission denied" in message or "Read-only file system" in message or "read-only" in message:
        return _no_permission(file, message)
    return StoreError(
        f"the database cannot be opened: {message}", "a readable DuckDB file",
        "check the path and the disk, or restore the file from a copy", place=place,
    )  # fmt: skip
