"""Settings: where each value comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage_lab.domain.errors import ConfigError, UsageError
from triage_lab.lab.config import find_lab, read_config


def write(folder: Path, text: str) -> Path:
    (folder / "triage_lab.toml").write_text(text)
    return folder


def test_flags_win_over_variables_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[lab]\nname = "acme"\nseed = 1\ncurrency = "USD"\n')
    monkeypatch.setenv("TRIAGE_LAB_SEED", "2")
    monkeypatch.setenv("TRIAGE_LAB_TIMEZONE", "Europe/Berlin")
    config = read_config(tmp_path, {"seed": 3})
    assert (config.seed, config.origins["seed"]) == (3, "flag")
    assert (config.timezone, config.origins["timezone"]) == ("Europe/Berlin", "TRIAGE_LAB_TIMEZONE")
    assert (config.currency, config.origins["currency"]) == ("USD", "triage_lab.toml")
    assert config.origins["baseline"] == "default"
    assert config.database == tmp_path.resolve() / "data" / "lab.duckdb"


def test_tiers_are_sorted_by_their_bound(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, "[mrr_tiers]\nlow = 0\nhigh = 10000\nmid = 750.5\n"))
    assert [name for name, _ in config.mrr_tiers] == ["high", "mid", "low"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[lab]\nnme = 'x'", 2, "did you mean 'name'?"),
        ("[lab]\nseed = 'x'", 2, "whole number"),
        ("[lab]\nname = 'x'\ntimezone = 'Mars'", 3, "IANA"),
        ("[lab]\ncurrency = 'euro'", 2, "ISO 4217"),
        ("[lab\nname = 'x'", 1, "expected"),
        ("[laboratory]", 1, "unknown table"),
        ("[mrr_tiers]\nhigh = 'a lot'", 2, "a number"),
    ],
)
def test_refused_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, text))
    assert caught.value.place.line == line
    assert words in str(caught.value)


def test_a_bad_variable_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "")
    monkeypatch.setenv("TRIAGE_LAB_CURRENCY", "euro")
    with pytest.raises(UsageError, match="TRIAGE_LAB_CURRENCY"):
        read_config(tmp_path)


def test_found_upward(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    write(tmp_path, "")
    assert find_lab(deep) == tmp_path
    with pytest.raises(ConfigError, match="init DIR"):
        find_lab(Path("/"))
