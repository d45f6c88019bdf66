"""``triage-lab``: one verb a command, answers on stdout, logs on stderr, exit codes by contract."""

from __future__ import annotations

import io
import signal
import sys
from typing import Annotated

import typer

from triage_lab import __version__
from triage_lab.cli import data, desk, rules, runs
from triage_lab.cli.session import fail

app = typer.Typer(
    name="triage-lab",
    help="Backtest support-ticket routing rules on your own tickets, and get proof before automation acts.",
    epilog="Start with:  triage-lab demo    Exit codes: 0 yes or done, 1 no, 2 usage, 3 bad input, "
    "4 not enough evidence, 70 internal error, 130 interrupted",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
data.register(app)
desk.register(app)
rules.register(app)
runs.register(app)


def _version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        typer.echo(f"triage-lab {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Backtest support-ticket routing rules on your own tickets, and get proof before automation acts."""
    del version


def main() -> None:
    """Run the command line; the process ends with the exit code of the contract."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a character that this terminal cannot show must not turn an answer into an error
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt as error:
        sys.exit(fail(None, error))
    finally:
        # the answer is out: Ctrl-C while the interpreter tidies up must not turn it into another exit code
        signal.signal(signal.SIGINT, signal.SIG_IGN)
