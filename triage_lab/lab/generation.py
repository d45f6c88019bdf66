"""Exports of a synthetic desk, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from triage_lab.domain.errors import ConfigError, Place, UsageError
from triage_lab.lab.assets import asset
from triage_lab.lab.documents import parse_document
from triage_lab.lab.operations import parse_operations
from triage_lab.lab.progress import Progress, silent

FORMATS = ("parquet", "csv")
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Generated:
    """Where the exports are, and the files, relative to it; ``operations`` is the text of the desk that was played."""

    directory: Path
    files: tuple[str, ...]
    tickets: int
    seed: int
    operations: str


def generate(
    directory: str | Path,
    *,
    tickets: int = 20_000,
    seed: int | None = None,
    faults: float = 0.0,
    format: str | None = None,
    shape: str | None = None,
    progress: Progress = silent,
) -> Generated:
    """Write the exports of a synthetic desk.

    Parameters
    ----------
    tickets : int
        1,000 to 1,000,000.
    seed : int or None
        Equal arguments give equal bytes.
    faults : float
        0 (clean: no critical gate fails) to 1 (a great deal is wrong; truth/faults lists it).
    format : {"parquet", "csv", "jsonl"} or None
        Default parquet, csv with a shape; jsonl only with a shape.
    shape : str or None
        Systems joined by ``+`` (zendesk, salesforce, stripe, contracts): the desk as the files that these systems would
        export, a folder each, instead of one file a canonical table.

    Raises
    ------
    UsageError
        The arguments are outside their range, or the folder is not empty.
    """
    from triage_lab.replay import synthetic

    if not 1000 <= tickets <= 1_000_000:
        raise UsageError(f"--tickets {tickets}", "1,000 to 1,000,000")
    if not 0 <= faults <= 1:
        raise UsageError(f"--faults {faults}", "a number from 0 to 1")
    formats = FORMATS if shape is None else (*FORMATS, "jsonl")
    chosen_format = format or ("parquet" if shape is None else "csv")
    if chosen_format not in formats:
        raise UsageError(f"--format {chosen_format!r}", " | ".join(formats))
    systems = None if shape is None else _systems(shape, synthetic.SHAPES)
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise ConfigError("not a folder", "a folder, or a new name", place=Place(str(target)))
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty", "an empty or a new folder", "choose another folder")
    chosen = SEED if seed is None else seed
    text = synthetic.operations_text(tickets)
    operations = parse_operations(parse_document(text, "operations.yaml"), asset("operations.yaml").parent)
    progress("making the desk", 0.1)
    desk = synthetic.generate_desk(tickets=tickets, seed=chosen, faults=faults, operations=operations)
    progress("writing the exports", 0.8)
    try:
        if systems is None:
            synthetic.write_desk(desk, target, format=chosen_format)
        else:
            synthetic.write_vendor_desk(desk, target, systems, format=chosen_format)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error})",
            "a folder with write permission and free space",
            "choose another folder, or change its permissions",
            place=Place(str(target)),
        ) from error
    files = tuple(sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()))
    return Generated(target, files, tickets, chosen, text)


def _systems(shape: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The systems of a shape such as ``zendesk+salesforce``."""
    names = tuple(part.strip() for part in shape.split("+"))
    for name in names:
        if name not in known:
            raise UsageError(f"--shape: unknown system '{name[:40]}'", f"{', '.join(known)}, joined by +")
    if len(set(names)) != len(names):
        raise UsageError(f"--shape {shape[:80]!r} names a system twice", "each system once")
    return names
