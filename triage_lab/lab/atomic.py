"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from triage_lab.domain.errors import ConfigError, Place


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file through a temporary one beside it, then rename it into place.

    Raises
    ------
    ConfigError
        The folder cannot be made or written; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refused(path, error) from error
        raise
    return path


def write_text(path: Path, content: str) -> Path:
    """Write UTF-8 text atomically."""
    return write_bytes(path, content.encode())


def _refused(path: Path, error: OSError) -> ConfigError:
    """Say that a file could not be written, and why."""
    return ConfigError(
        f"cannot be written ({error.strerror})",
        "a folder with write permission and free space",
        "choose another folder, or change its permissions",
        place=Place(str(path)),
    )
