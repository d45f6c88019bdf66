"""The kernel uncompiled, bounds-checked and in other processes: always the same bytes; and nothing heavy at import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIGEST = """
import hashlib, sys
sys.path[:0] = [r"{tests}", r"{tests}/replay"]
from replay_desks import played, random_case
digest = hashlib.sha256()
for seed in range(12):
    world, arm = played(**random_case(seed, 50))
    for frame in (arm.records, arm.sla_states, arm.events(world)):
        digest.update(frame.write_csv().encode())
print(digest.hexdigest())
"""


def digest(**variables: str) -> str:
    """Digest of a dozen random arms, played in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", DIGEST.format(tests=ROOT / "tests")],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_uncompiled_equals_compiled() -> None:
    assert digest(NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="1") == digest(PYTHONHASHSEED="2")


@pytest.mark.slow
def test_bounds_checked_equals_compiled(tmp_path: Path) -> None:
    """Compiled afresh: Numba's cache does not tell checked code from unchecked."""
    assert digest(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == digest()


def test_importing_the_room_loads_nothing_heavy() -> None:
    check = "import sys, triage_lab.replay; print({'numba', 'scipy', 'holidays', 'duckdb'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "set()"


def test_the_cache_is_named_after_its_sources_and_leaves_the_users_choice_alone(tmp_path: Path) -> None:
    from numba import config

    from triage_lab.replay import kernel

    before = config.CACHE_DIR
    beside, chosen = Path(kernel._cache_folder("")), Path(kernel._cache_folder(str(tmp_path)))
    assert beside.name == chosen.name
    assert beside.parent == ROOT / "triage_lab" / "replay" / "__pycache__"
    assert chosen.parent == tmp_path
    kernel.compiled(lambda number: number + 1)
    assert before == config.CACHE_DIR


def test_without_any_cache_folder_the_kernel_still_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from triage_lab.replay import kernel

    calls: list[dict[str, object]] = []

    def refuses_to_cache(**options: object) -> object:
        calls.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernel, "njit", refuses_to_cache)
    assert kernel.compiled(len) is len
    assert [bool(options.get("cache")) for options in calls] == [True, False]
