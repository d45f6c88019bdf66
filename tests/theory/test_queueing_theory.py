"""The kernel against queueing theory: the closed form lies in the 99 % t interval over independent seeds.

One long run within some per cent of the formula would fail many correct programs (waits are strongly correlated);
an interval over seeds has a known error. Seeds are fixed, so the verdict is too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from triage_lab.domain.errors import ReplayError
from triage_lab.replay import cobham, erlang_c, kingman, pollaczek_khinchine, run_queue

UNIT = 10**6  # times are whole millionths, so rounding does not show
WARM = 0.1


def interval(means: list[float], level: float = 0.99) -> tuple[float, float]:
    """The t interval of the mean."""
    half = stats.t.ppf((1 + level) / 2, len(means) - 1) * np.std(means, ddof=1) / np.sqrt(len(means))
    return float(np.mean(means) - half), float(np.mean(means) + half)


def waits(
    seed: int,
    n: int,
    servers: int,
    load: float,
    service: Callable[[np.random.Generator, int], np.ndarray],
    gaps: Callable[[np.random.Generator, int], np.ndarray] = lambda rng, n: rng.exponential(1.0, n),
    shares: tuple[float, ...] = (),
) -> np.ndarray | list[np.ndarray]:
    """Waits after warm-up in units of mean service time; by class if there are classes."""
    rng = np.random.default_rng([seed, n, servers])
    arrived = np.cumsum(gaps(rng, n) * UNIT / (load * servers)).astype(np.int64)
    handle = np.maximum(1, service(rng, n) * UNIT).astype(np.int64)
    classes = rng.choice(len(shares), n, p=shares) if shares else None
    queue = run_queue(arrived, handle, agents=servers, priority=classes)
    waited = (queue["started_at"].to_numpy() - arrived)[int(WARM * n) :] / UNIT
    if classes is None:
        return waited
    return [waited[classes[int(WARM * n) :] == number] for number in range(len(shares))]


def exponential(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.exponential(1.0, n)


def constant(_: np.random.Generator, n: int) -> np.ndarray:
    return np.ones(n)


def lognormal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Mean 1, squared coefficient of variation 4."""
    sigma2 = np.log(5.0)
    return rng.lognormal(-sigma2 / 2, np.sqrt(sigma2), n)


CASES = {
    "M/M/1": (1, 0.7, exponential, erlang_c(0.7, 1.0, 1)),
    "M/M/8": (8, 0.9, exponential, erlang_c(7.2, 1.0, 8)),
    "M/D/1": (1, 0.8, constant, pollaczek_khinchine(0.8, 1.0, 0.0)),
    "M/G/1": (1, 0.7, lognormal, pollaczek_khinchine(0.7, 1.0, 4.0)),
}
SIZES = [
    pytest.param(12, 50_000, id="12x50k"),
    pytest.param(30, 200_000, id="30x200k", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("seeds", "n"), SIZES)
@pytest.mark.parametrize("name", CASES)
def test_the_closed_form_lies_in_the_interval(name: str, seeds: int, n: int) -> None:
    servers, load, service, theory = CASES[name]
    means = [float(np.mean(waits(seed, n, servers, load, service))) for seed in range(seeds)]
    low, high = interval(means)
    assert low <= theory <= high, (low, theory, high)
    assert high - low < 0.35 * theory  # wide enough to be true is not enough


@pytest.mark.parametrize(("seeds", "n"), SIZES)
def test_priority_classes_wait_as_cobham_says(seeds: int, n: int) -> None:
    shares = (0.2, 0.3, 0.5)
    theory = cobham([0.8 * share for share in shares], [1.0] * 3, [1.0] * 3)
    runs = [waits(seed, n, 1, 0.8, exponential, shares=shares) for seed in range(seeds)]
    for number, expected in enumerate(theory):
        low, high = interval([float(np.mean(run[number])) for run in runs], 1 - 0.01 / 3)
        assert low <= expected <= high, (number, low, expected, high)


def test_kingman_bounds_a_busy_general_queue_from_above() -> None:
    """Gamma(4) between arrivals, gamma(2) service, load 0.95."""
    means = [
        float(
            np.mean(
                waits(
                    seed, 50_000, 1, 0.95,
                    lambda rng, n: rng.gamma(2.0, 0.5, n), lambda rng, n: rng.gamma(4.0, 0.25, n),
                )
            )
        )
        for seed in range(12)
    ]  # fmt: skip
    low, high = interval(means)
    approximate = kingman(0.95, 1.0, 1 / 4, 1 / 2)
    bound = 0.95 * ((1 / 4) / 0.95**2 + 1 / 2) / (2 * (1 - 0.95))
    assert low <= bound
    assert low * 0.85 <= approximate <= high * 1.15


def test_published_values() -> None:
    assert erlang_c(7.2, 1.0, 8) == pytest.approx(0.8769, abs=5e-5)
    assert erlang_c(0.7, 1.0, 1) == pytest.approx(0.7 / 0.3)
    assert pollaczek_khinchine(0.7, 1.0, 4.0) == pytest.approx(5.8333, abs=5e-5)
    assert kingman(0.95, 1.0, 0.25, 0.5) == pytest.approx(7.125, abs=1e-9)
    assert cobham([0.16, 0.24, 0.4], [1.0] * 3, [1.0] * 3) == pytest.approx((0.9524, 1.5873, 6.6667), abs=5e-5)


def test_formulas_agree_where_they_meet() -> None:
    assert pollaczek_khinchine(0.6, 2.0 / 1.5, 1.0) == pytest.approx(erlang_c(0.6, 2.0 / 1.5, 1))
    assert cobham([0.5], [1.2], [0.3])[0] == pytest.approx(pollaczek_khinchine(0.5, 1.2, 0.3))
    assert erlang_c(0.0, 1.0, 3) == 0.0
    assert erlang_c(2000.0, 1.0, 2100) < 0.001  # a thousand servers neither overflow nor underflow
    # In minutes or in seconds: the same wait.
    assert erlang_c(0.1, 7.0, 1) * 60 == pytest.approx(erlang_c(0.1 / 60, 420.0, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: erlang_c(1.0, 1.0, 1),
        lambda: erlang_c(1.0, 1.0, 0),
        lambda: erlang_c(-1.0, 1.0, 1),
        lambda: pollaczek_khinchine(1.0, 1.0, 0.0),
        lambda: kingman(2.0, 1.0, 1.0, 1.0, 2),
        lambda: cobham([0.5, 0.5], [1.0, 1.0], [1.0, 1.0]),
        lambda: cobham([0.5], [1.0, 1.0], [1.0]),
    ],
)
def test_a_queue_that_never_settles_has_no_mean_wait(call: Callable[[], object]) -> None:
    with pytest.raises(ReplayError):
        call()
