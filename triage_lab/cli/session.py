"""What every command shares: the common flags, output to people or to programs, errors to exit codes."""

from __future__ import annotations

import functools
import inspect
import json
import os
import signal
import sys
import traceback as trace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from triage_lab.domain.errors import PolicyError, TriageLabError, UsageError

if TYPE_CHECKING:
    from triage_lab.lab import Lab
    from triage_lab.lab.progress import Progress

JSON_VERSION = "1"
COMMON = "Common flags"
SPACES = "\n \u2009\u202f\u00a0"


class _Console(Console):
    """A console that leaves it to the command what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Raise instead of ending the process with 1, which means no."""
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Session:
    """The common flags of one call, and the two consoles (answers on stdout, logs on stderr)."""

    command: str
    json: bool
    quiet: bool
    color: bool
    lab: Path | None
    seed: int | None
    traceback: bool

    @property
    def out(self) -> Console:
        """Console for answers; silent with --json."""
        return _Console(quiet=self.json or self.quiet, no_color=not self.color, highlight=False, soft_wrap=False)

    @property
    def log(self) -> Console:
        """Console for notices, always on stderr."""
        return Console(stderr=True, quiet=self.quiet, no_color=not self.color, highlight=False)

    def open(self) -> Lab:
        """Open the lab that the flags or the working directory name."""
        from triage_lab.lab import open_lab

        return open_lab(self.lab, seed=self.seed)

    def emit(self, data: object) -> None:
        """With --json, print the one document of this command."""
        if self.json:
            document = {"schema_version": JSON_VERSION, "command": self.command, "data": plain(data)}
            sys.stdout.write(_json_text(document))

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress bar on a terminal; nothing elsewhere."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda _step, _share: None
            return
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.log, transient=True) as bar:
            task = bar.add_task("starting", total=1.0)
            yield lambda step, share: bar.update(task, description=step, completed=share)


def plain(value: object) -> Any:
    """Dataclasses, enums, paths and tuples → what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _json_text(document: object) -> str:
    """A document as JSON text that the encoding of stdout can carry."""
    wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(document, ensure_ascii=not wide, indent=1, allow_nan=False) + "\n"


def harmless(text: object) -> str:
    """Text from data, made harmless for a terminal: no control or direction characters."""
    return "".join(c if c.isprintable() or c in SPACES else "?" for c in str(text))


@contextmanager
def _watch_interrupts() -> Iterator[list[int]]:
    """Note every Ctrl-C of the block, because an engine below may turn KeyboardInterrupt into an error of its own."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    try:
        previous = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread: no signal arrives here
        yield seen
        return
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, previous)


def _next_step(error: TriageLabError, session: Session | None) -> str:
    """What to do now, for an error that does not say it."""
    if isinstance(error, UsageError):
        return f"triage-lab {session.command} --help" if session is not None else "triage-lab --help"
    if isinstance(error, PolicyError):
        return "correct the policy; `triage-lab policy columns` lists what a rule may read"
    if error.place.line is not None:
        return "correct this line"
    return "correct it and run the command again"


def fail(session: Session | None, error: BaseException) -> int:
    """Print an error in its three parts and return the exit code."""
    as_json = session is not None and session.json
    if isinstance(error, TriageLabError):
        action = error.action or _next_step(error, session)
        code, parts = error.exit_code, (str(error.place), error.found, error.expected, action)
    elif isinstance(error, KeyboardInterrupt):
        code, parts = 130, ("", "interrupted", "", "what was not finished was not stored; run the command again")
    elif "No space left on device" in str(error):
        found = " ".join(str(error).split())
        code, parts = 3, ("", found, "free space on that disk", "make room, then run the command again")
    else:
        code = 70
        parts = ("", f"internal error: {type(error).__name__}: {error}", "", "rerun with --traceback and report it")
    if session is not None and session.traceback:
        trace.print_exception(error)
    where, found, expected, action = parts
    if as_json and session is not None:
        body = {"place": where, "found": found, "expected": expected, "action": action, "exit_code": code}
        document = {"schema_version": JSON_VERSION, "command": session.command, "error": body}
        sys.stdout.write(_json_text(document))
    lines = [f"error: {where}: {found}" if where else f"error: {found}"]
    lines += [f"  expected: {expected}"] if expected else []
    lines += [f"  next: {action}"] if action else []
    sys.stderr.write("\n".join(harmless(line).replace("\n", "\n    ") for line in lines) + "\n")
    return code


def _common() -> list[inspect.Parameter]:
    """The flags that every command has."""

    def flag(name: str, annotation: Any, default: object) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def option(kind: Any, *names: str, help: str) -> Any:
        return Annotated[kind, typer.Option(*names, help=help, rich_help_panel=COMMON, readable=False)]

    return [
        flag("as_json", option(bool, "--json", help="One JSON document on stdout; logs on stderr."), False),
        flag("quiet", option(bool, "--quiet", "-q", help="Print errors only."), False),
        flag("no_color", option(bool, "--no-color", help="No colour (also NO_COLOR=1)."), False),
        flag("lab", option(Path | None, "--lab", help="The lab's folder; default: found upward from here."), None),
        flag(
            "seed",
            option(
                int | None,
                "--seed",
                help="Seed of all chance; default: the lab's.",
            ),
            None,
        ),
        flag("traceback", option(bool, "--traceback", help="Show where an error arose."), False),
    ]


def _call(session: Session, work: Callable[[], int]) -> int:
    """Do a command's work and return its exit code."""
    with _watch_interrupts() as interrupts:
        try:
            code = work()
            sys.stdout.flush()
        except typer.Exit:
            raise
        except BrokenPipeError:
            # whoever read stdout has gone: there is nobody to tell, and the answer did not arrive
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 130
        except (Exception, KeyboardInterrupt) as error:
            return fail(session, KeyboardInterrupt() if interrupts else error)
    return fail(None, KeyboardInterrupt()) if interrupts and code else code


def command(
    app: typer.Typer, name: str, *, examples: str, panel: str | None = None, group: str = ""
) -> Callable[[Callable[..., int | None]], Callable[..., None]]:
    """Register a command: adds the common flags, hands over a Session, turns errors into exit codes.

    The function takes the session first and returns its exit code (None = 0). ``examples`` closes its help.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            session = Session(
                command=f"{group} {name}".strip(),
                json=kwargs.pop("as_json"),
                quiet=kwargs.pop("quiet"),
                color=not kwargs.pop("no_color"),
                lab=kwargs.pop("lab"),
                seed=kwargs.pop("seed"),
                traceback=kwargs.pop("traceback"),
            )
            code = _call(session, lambda: function(session, *args, **kwargs) or 0)
            if code:
                raise typer.Exit(code)

        signature = inspect.signature(function, eval_str=True)
        own = list(signature.parameters.values())[1:]
        run.__signature__ = inspect.Signature([*own, *_common()])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *_common()]}
        epilog = "Examples:\n\n" + "\n\n".join(f"  {line.strip()}" for line in examples.strip().splitlines())
        app.command(name, epilog=epilog, rich_help_panel=panel)(run)
        return run

    return register
