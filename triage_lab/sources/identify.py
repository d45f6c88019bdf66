"""Which file of an export holds which object: by what the user says, by its name, or by its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage_lab.domain.errors import ExportError, Place, UsageError
from triage_lab.sources.columns import match_object, plain
from triage_lab.sources.facts import FileFacts, probe
from triage_lab.sources.file_names import ENDINGS, by_name, in_sequence, is_table, stem
from triage_lab.sources.fit import advice, advice_on, likeness, nearly, require_object
from triage_lab.sources.mapping import Mapping


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One file of an export: where it is, which object it holds, and what the probe found."""

    path: Path
    object: str
    facts: FileFacts


@dataclass(frozen=True, slots=True)
class Identified:
    """The files of an export.

    Parameters
    ----------
    parts : tuple of ObjectFile
        In the order of the source's objects; files of one object in the order in which they were named (sorted by name
        within a folder).
    notices : tuple of str
        Files that were left alone, and those that were told by their columns.
    left : tuple of FileFacts
        The files that were left alone.
    """

    parts: tuple[ObjectFile, ...]
    notices: tuple[str, ...]
    left: tuple[FileFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """A file to look at: its object (empty if nothing tells), whether a folder had it, and whether the user said it."""

    path: Path
    object: str
    found: bool
    said: bool


def identify(files: Sequence[Path | str], source: Mapping, *, delimiter: str | None = None) -> Identified:
    """Say which object of a source each file holds.

    Parameters
    ----------
    files : sequence of Path or str
        Files, ``OBJECT=FILE`` texts, or folders (all their CSV, TSV, Parquet and JSON Lines files, not deeper).
    source : Mapping
        The source.
    delimiter : str, optional
        Column separator of CSV; default comma, or tab for ``.tsv``.

    Returns
    -------
    Identified

    Raises
    ------
    ExportError
        A file cannot be used (see ``probe``), is no object of the source or may be several, lacks a column that its
        object requires, or differs in its columns from another file of the same object; or no file fits.
    UsageError
        ``OBJECT=FILE`` names no object, or no file is given.

    Notes
    -----
    In this order: the object that the user names; the file's name without the source's name, part numbers and dates;
    the one object whose required columns are all in the file and of which it has the most. Files that a folder holds
    besides are left alone with a notice.
    """
    named = [item for file in files for item in _expand(file, source)]
    if not named:
        raise UsageError(
            "no file given", "the files of one export, or their folder", f"ingest --source {source.name} FOLDER"
        )
    notices: list[str] = []
    probed = [(item, facts) for item in named if (facts := _probe(item, delimiter, notices))]
    everything = [facts for _, facts in probed]
    parts, left = [], []
    for item, facts in probed:
        if item.object:
            _require(source, item, facts, everything)
            parts.append(ObjectFile(item.path, item.object, facts))
    taken = {part.object for part in parts}
    for item, facts in probed:
        if item.object:
            continue
        name = _by_columns(item, facts, source, taken if item.found else set(), notices)
        if name:
            parts.append(ObjectFile(item.path, name, facts))
            notices.append(f"{item.path.name} is taken for {name} by its columns")
        else:
            left.append(facts)
    if not parts:
        raise _nothing_fits(source, left, named)
    if left:
        shown = ", ".join(facts.path.name for facts in left)
        notices.append(f"left alone, no object of {source.name}: {shown}")
    order = [item.name for item in source.objects]
    once = _once(sorted(parts, key=lambda part: order.index(part.object)), notices)
    _check_schemas(once)
    return Identified(tuple(once), tuple(notices), tuple(left))


def _expand(file: Path | str, source: Mapping) -> Iterator[_Named]:
    """The files that one argument names, with the objects that the user or their names say."""
    path, said = Path(file), ""
    before, mark, after = str(file).partition("=")
    if mark and not path.exists() and "/" not in before and "\\" not in before:
        path, said = Path(after), source.object(plain(before)).name
        if not after:
            raise UsageError(f"{before}= names no file", f"{said}=FILE", "name the file behind the =")
    if path.is_dir():
        for each in _folder(path):
            yield _Named(each, said or by_name(each, source), found=True, said=bool(said))
    else:
        yield _Named(path, said or by_name(path, source), found=False, said=bool(said))


def expand(file: Path | str) -> tuple[Path, ...]:
    """Return the file itself, or the files that a folder holds, by name.

    Raises
    ------
    ExportError
        The folder cannot be read, or holds no CSV, TSV, Parquet or JSON Lines file.
    """
    path = Path(file)
    return tuple(_folder(path)) if path.is_dir() else (path,)


def _folder(path: Path) -> list[Path]:
    """The files of a folder that may hold rows, by name."""
    try:
        entries = sorted(path.iterdir(), key=lambda entry: in_sequence(entry.name))
    except OSError as error:
        raise ExportError(
            f"the folder cannot be read ({error.strerror})", "a readable folder", "check the permissions",
            place=Place(str(path)),
        ) from error  # fmt: skip
    usable = [entry for entry in entries if is_table(entry) and not entry.is_dir()]
    if not usable:
        raise ExportError(
            f"the folder holds no file to read, of {len(entries):,} entries", f"files that end in {', '.join(ENDINGS)}",
            "name the folder that holds the export itself, or its files", place=Place(str(path)),
        )  # fmt: skip
    return usable


def _probe(item: _Named, delimiter: str | None, notices: list[str]) -> FileFacts | None:
    """Probe a file; None for an empty one in a folder whose name says nothing."""
    try:
        return probe(item.path, delimiter=delimiter, rows=False)
    except ExportError as error:
        if error.values.get("kind") != "empty":
            raise
        if item.found and not item.object:
            notices.append(f"left alone, {item.path.name} is empty")
            return None
        action = "export it again, or leave the file out if there was nothing to export"
        raise ExportError(error.found, error.expected, action, place=error.place, **error.values) from error


def _require(source: Mapping, item: _Named, facts: FileFacts, everything: Sequence[FileFacts]) -> None:
    """Refuse a file that is said to be an object, and has not its columns or those of quite another thing."""
    wanted = source.object(item.object)
    found = match_object(facts.columns, wanted, None, facts.place)
    require_object(source, wanted, facts.columns, found, facts.place, everything)
    if item.said or 2 * len(found) >= min(len(facts.columns), len(wanted.columns)):
        return
    fit, action = advice_on(facts.columns, source)
    if fit != source.name and action:
        raise ExportError(
            f"only {len(found)} of its {len(facts.columns)} columns are known of {wanted.name} ({source.name})",
            f"columns such as {', '.join(column.name for column in wanted.columns[:8])}",
            f"{action}; if it is one of {source.name} after all: {item.object}={item.path.name}",
            place=facts.place, fit=fit,
        )  # fmt: skip


def _by_columns(item: _Named, facts: FileFacts, source: Mapping, taken: set[str], notices: list[str]) -> str:
    """The object that a file's columns mean; empty for a file of a folder that is none.

    In a folder an object that another file has by name is not looked for.
    """
    scores = {
        each.name: score
        for each in source.objects
        if each.name not in taken and (score := likeness(facts.columns, source, each))
    }
    most = max(scores.values(), default=0.0)
    best = [name for name, score in scores.items() if score == most]
    if len(best) == 1:
        return best[0]
    if item.found:
        notices.extend(f"{item.path.name} may be {' or '.join(best)}: say {best[0]}=FILE" for _ in best[:1])
        return ""
    if best:
        raise ExportError(
            f"the file may be {' or '.join(best)} of {source.name}", "a file name that says which",
            f"say so: {best[0]}={item.path.name}", place=facts.place, objects=tuple(best),
        )  # fmt: skip
    known = tuple(each.name for each in source.objects)
    action = advice_on(facts.columns, source)[1]
    near, missing = nearly(facts.columns, source)
    told = f"; it is most like {near}, but lacks {', '.join(missing)}" if near and not action else ""
    if told:
        action = f"add {', '.join(missing)} to the file, or the name that the export gives it"
    raise ExportError(
        f"neither its name nor its columns tell which object of {source.name} this is{told}",
        f"one of {', '.join(known)}",
        action or f"leave it out, or say which it is: {known[0]}={item.path.name}", place=facts.place, objects=known,
    )  # fmt: skip


def _nothing_fits(source: Mapping, left: Sequence[FileFacts], named: Sequence[_Named]) -> ExportError:
    """The error for a folder of another source."""
    first = source.objects[0].name
    action = advice(left, source)[1] if left else ""
    return ExportError(
        f"no file of {len(named):,} is an object of {source.name}",
        f"files of {', '.join(item.name for item in source.objects)}",
        action or f"say which file is what: {first}=FILE", place=Place(str(named[0].path.parent)),
    )  # fmt: skip


def _once(parts: Sequence[ObjectFile], notices: list[str]) -> list[ObjectFile]:
    """The files without those whose bytes an earlier one has; two formats of one export are refused."""
    kept: dict[tuple[str, str], ObjectFile] = {}
    stems: dict[tuple[str, Path, str], ObjectFile] = {}
    for part in parts:
        same = kept.setdefault((part.object, part.facts.content_sha256), part)
        if same is not part:
            notices.append(f"{part.path.name} is the same file as {same.path.name} and is read once")
            continue
        twin = stems.setdefault((part.object, part.path.parent, stem(part.path)), part)
        if twin is not part:
            raise ExportError(
                f"{part.path.name} and {twin.path.name} look like one file in two formats",
                f"each file of {part.object} once", "name one of them, or move the other away", place=part.facts.place,
            )  # fmt: skip
    return list(kept.values())


def _check_schemas(parts: Sequence[ObjectFile]) -> None:
    """Refuse files of one object with different columns; JSON Lines leave NULLs out, so their keys may differ."""
    first: dict[str, ObjectFile] = {}
    for part in parts:
        if part.facts.format.startswith("jsonl"):
            continue
        other = first.setdefault(part.object, part)
        one, two = ({plain(name) for name in each.facts.columns} for each in (other, part))
        if one != two:
            sides = [
                f"only {each.path.name} has {', '.join(sorted(names)[:8])}"
                for each, names in ((other, one - two), (part, two - one))
                if names
            ]
            raise ExportError(
                f"mixed schemas of {part.object}: {'; '.join(sides)}",
                f"the columns of {other.path.name} in every part",
                "export the parts alike, or load them one after the other", place=part.facts.place,
                columns=tuple(sorted(one ^ two)), other=str(other.path),
            )  # fmt: skip
