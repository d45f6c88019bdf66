"""What wraps every command: interruptions, harmless text, three parts of an error, streams that cannot take it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import triage_lab as tl
from triage_lab.cli import terminal
from triage_lab.cli.main import app
from triage_lab.cli.session import Session, command, fail, harmless
from triage_lab.domain.errors import ConfigError, Place, PolicyError, TriageLabError, UsageError
from triage_lab.lab.propose import read_columns

TICKETS = "ticket_id,created_at,category\nT1,2026-01-01T10:00:00Z,billing\n"


def session(*, as_json: bool = False) -> Session:
    return Session("backtest", as_json, False, False, None, None, False)


def commands(work: object) -> typer.Typer:
    """An app with one command that does this."""
    made = typer.Typer()

    @made.callback()
    def root() -> None:
        """Keep the command a subcommand."""

    command(made, "work", examples="triage-lab work")(lambda _session: work())  # type: ignore[operator]
    return made


def interrupted_engine() -> int:
    """An engine that turns Ctrl-C into an error of its own, as DuckDB does."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt as error:
        raise RuntimeError("Query interrupted") from error
    return 0


def swallowing_engine() -> int:
    """An engine that takes Ctrl-C for a failure and goes on."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        return 70
    return 0


@pytest.mark.parametrize("work", [interrupted_engine, swallowing_engine])
def test_an_interruption_is_130_whatever_it_was_turned_into(work: object) -> None:
    before = signal.getsignal(signal.SIGINT)
    done = CliRunner().invoke(commands(work), ["work"])
    assert done.exit_code == 130
    assert "interrupted" in done.stderr
    assert "internal error" not in done.stderr
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageError("bad", "good"), "triage-lab backtest --help"),
        (PolicyError("bad", "good"), "triage-lab policy columns"),
        (ConfigError("bad", "good", place=Place("a.yaml", 3)), "correct this line"),
        (ConfigError("bad", "good"), "run the command again"),
        (ConfigError("bad", "good", "do this"), "do this"),
    ],
)
def test_every_error_says_what_to_do_next(
    capsys: pytest.CaptureFixture[str], error: TriageLabError, words: str
) -> None:
    assert fail(session(as_json=True), error) == error.exit_code
    said = capsys.readouterr()
    assert words in said.err.split("next: ")[1]
    assert words in json.loads(said.out)["error"]["action"]


def test_a_full_disk_is_no_internal_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(session(), RuntimeError('IO Error: Could not write file "a": No space left on device')) == 3
    assert "make room" in capsys.readouterr().err


def test_text_from_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[31m\u202egnp.exe\r\x07\u2066 <b>\nerror: fake"
    fail(session(), ConfigError(hostile))
    said = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in said)
    assert "\n    error: fake" in said
    assert harmless("Büro · 3\u202f% \u4e2d") == "Büro · 3\u202f% \u4e2d"


def test_a_reader_that_goes_away_is_no_internal_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m triage_lab policy columns | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, cwd=lab_of(tmp_path), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 130)
    assert "error" not in done.stderr.lower()


def lab_of(folder: Path) -> Path:
    """A new lab with a file of one ticket beside it."""
    tl.init(folder / "lab")
    (folder / "tickets.csv").write_text(TICKETS)
    return folder / "lab"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_any_encoding_of_stdout_gets_an_answer(tmp_path: Path, encoding: str) -> None:
    lab = lab_of(tmp_path)
    (lab / "policies" / "odd.yaml").write_text(
        'policy: odd\nversion: "1"\nstage: draft\nrules: [{id: a, when: "category = \'Ωß中\'", then: {route: a}}]\n'
        "default: {then: {route: support}}\n",
        encoding="utf-8",
    )
    for extra in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-m", "triage_lab", "policy", "show", "odd", *extra],
            capture_output=True, cwd=lab, timeout=60, check=False, env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        if extra:
            assert "Ωß中" in json.dumps(json.loads(done.stdout.decode(encoding)), ensure_ascii=False)


def test_a_proposal_survives_a_narrow_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    path = tmp_path / "a file with a rather long name, for a comment.csv"
    path.write_text("CaseNumber,CreatedDate,a very long name of a column that nobody knows: category\n1,2,3\n")
    lab = lab_of(tmp_path)
    done = CliRunner().invoke(app, ["ingest", str(path), "--table", "tickets", "--propose", "--lab", str(lab)])
    assert done.exit_code == 0, done.stderr
    (tmp_path / "columns.yaml").write_text(done.stdout)
    assert (read_columns(tmp_path / "columns.yaml") or {})["ticket_id"] == "CaseNumber"


def test_rows_that_are_stored_stay_stored_if_another_file_is_wrong(tmp_path: Path) -> None:
    lab = lab_of(tmp_path)
    (lab / "operations.yaml").write_text("teams: {}\n")
    done = CliRunner().invoke(
        app, ["ingest", str(tmp_path / "tickets.csv"), "--table", "tickets", "--lab", str(lab), "--no-color"]
    )
    assert done.exit_code == 0
    assert "operations.yaml" in done.stderr
    assert "tickets 1" in done.stdout


def test_whether_a_file_may_be_read_is_an_input_question_and_no_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_of(tmp_path)
    path = tmp_path / "tickets.csv"

    def refuse(self: Path, *_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(os, "access", lambda *_args, **_options: False)
    monkeypatch.setattr(Path, "open", refuse)
    done = CliRunner().invoke(app, ["ingest", str(path), "--table", "tickets", "--lab", str(lab)])
    assert done.exit_code == 3
    assert "Permission denied" in done.stderr


def test_run_ids_are_never_folded() -> None:
    from triage_lab.lab.recorded import RunLine

    console = Console(width=60, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 - closed with the console
    name = "a-policy-with-a-long-name" * 3
    terminal.runs_table(console, [RunLine("62a998ff492f", "2026-11-23T14:45:09Z", name, name, 1, "NO-GO", 1.0)])
    console.file.close()
    assert "62a998ff492f" in console.export_text()
