"""The lab's launch limits: launch.yaml read, validated, and its digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triage_lab import evidence, metrics
from triage_lab.domain.canonical import digest
from triage_lab.domain.errors import ConfigError, Place
from triage_lab.lab.config import Config
from triage_lab.lab.documents import read_document
from triage_lab.lab.policies import shown


@dataclass(frozen=True, slots=True)
class LaunchFile:
    """The parsed plan and the digest of what it demands."""

    plan: Any
    digest: str


def load_launch(config: Config) -> LaunchFile:
    """Read launch.yaml.

    Raises
    ------
    ConfigError
        The file is missing or refused.
    """
    if not config.launch.exists():
        raise ConfigError(
            "no such file",
            "launch.yaml with the limits that a policy must meet",
            "write one, or copy it from a new lab: triage-lab init DIR",
            place=Place(shown(config, config.launch)),
        )
    document = read_document(config.launch, name=shown(config, config.launch))
    return LaunchFile(evidence.read_launch(document, metrics.CATALOGUE), digest(document.data))
