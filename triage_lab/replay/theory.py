"""Closed forms of queueing theory: what a simple desk would wait, to hold the kernel and the reports to.

Rates are arrivals per unit of time and times are in that unit; every function returns the mean wait in the queue
(service not included) in the same unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from triage_lab.domain.errors import ReplayError


def erlang_c(arrival_rate: float, mean_service: float, servers: int) -> float:
    """Return the mean wait of M/M/c: Poisson arrivals, exponential service, first come first served.

    Parameters
    ----------
    arrival_rate : float
    mean_service : float
    servers : int
        At least 1.

    Returns
    -------
    float

    Raises
    ------
    ReplayError
        The load is negative, or not below the number of servers.

    Notes
    -----
    With offered load a = rate * service: B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1)); C = B(c) / (1 - a/c (1 - B(c)));
    wait = C * service / (c - a). The recursion cannot overflow.
    Source: Erlang (1917); Cooper (1981), Introduction to Queueing Theory, section 3.

    Examples
    --------
    >>> round(erlang_c(0.7, 1.0, 1), 4)
    2.3333
    """
    load = _stable(arrival_rate * mean_service, servers)
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    waits = blocked / (1 - load / servers * (1 - blocked))
    return waits * mean_service / (servers - load)


def pollaczek_khinchine(arrival_rate: float, mean_service: float, service_scv: float) -> float:
    """Return the mean wait of M/G/1.

    Parameters
    ----------
    arrival_rate, mean_service : float
    service_scv : float
        Squared coefficient of variation of service: 0 constant, 1 exponential.

    Returns
    -------
    float

    Raises
    ------
    ReplayError
        The load is not in [0, 1).

    Notes
    -----
    wait = rho / (1 - rho) * (1 + scv) / 2 * service. Source: Pollaczek (1930), Khinchine (1932).

    Examples
    --------
    >>> round(pollaczek_khinchine(0.8, 1.0, 0.0), 4)
    2.0
    """
    load = _stable(arrival_rate * mean_service, 1)
    return load / (1 - load) * (1 + service_scv) / 2 * mean_service


def kingman(
    arrival_rate: float, mean_service: float, arrival_scv: float, service_scv: float, servers: int = 1
) -> float:
    """Return the approximate mean wait of G/G/c in heavy traffic.

    Parameters
    ----------
    arrival_rate, mean_service : float
    arrival_scv, service_scv : float
        Squared coefficients of variation of the times between arrivals and of service.
    servers : int

    Returns
    -------
    float

    Raises
    ------
    ReplayError
        The load is negative, or not below the number of servers.

    Notes
    -----
    (scv_a + scv_s) / 2 times the wait of M/M/c; exact for M/M/c, and for M/G/1.
    Source: Kingman (1961); Allen and Cunneen for c servers.

    Examples
    --------
    >>> kingman(0.7, 1.0, 1.0, 1.0) == erlang_c(0.7, 1.0, 1)
    True
    """
    return (arrival_scv + service_scv) / 2 * erlang_c(arrival_rate, mean_service, servers)


def cobham(
    arrival_rates: Sequence[float], mean_services: Sequence[float], service_scvs: Sequence[float]
) -> tuple[float, ...]:
    """Return the mean wait of each class of a non-preemptive priority queue M/G/1, most urgent first.

    Parameters
    ----------
    arrival_rates, mean_services, service_scvs : sequences of float
        One entry a class.

    Returns
    -------
    tuple of float

    Raises
    ------
    ReplayError
        The sequences differ in length, or the total load is not in [0, 1).

    Notes
    -----
    wait_k = R / ((1 - s_(k-1)) (1 - s_k)) with s_k the load of classes up to k and
    R = sum of rate * service^2 * (1 + scv) / 2. Source: Cobham (1954), Priority assignment in waiting line problems.

    Examples
    --------
    >>> [round(wait, 4) for wait in cobham([0.16, 0.24, 0.4], [1.0] * 3, [1.0] * 3)]
    [0.9524, 1.5873, 6.6667]
    """
    if not len(arrival_rates) == len(mean_services) == len(service_scvs):
        raise ReplayError("sequences of different lengths", "one rate, service and variation a class", "align them")
    loads = [rate * service for rate, service in zip(arrival_rates, mean_services, strict=True)]
    _stable(sum(loads), 1)
    residual = sum(
        rate * service**2 * (1 + scv) / 2
        for rate, service, scv in zip(arrival_rates, mean_services, service_scvs, strict=True)
    )
    waits, before = [], 0.0
    for load in loads:
        waits.append(residual / ((1 - before) * (1 - before - load)))
        before += load
    return tuple(waits)


def _stable(load: float, servers: int) -> float:
    """Return the load if a queue with that many servers settles under it."""
    if servers < 1 or not 0 <= load < servers:
        raise ReplayError(
            f"a load of {load:g} on {servers} servers",
            "a load of at least 0 and below the number of servers",
            "theory has a mean wait only for a queue that settles",
        )
    return load
