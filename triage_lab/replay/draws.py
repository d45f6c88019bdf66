"""Random numbers that hang on the ticket, never on row order: a counter-based generator (Philox 4x32-10)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
ROUNDS = 10

HANDLE_PHASE = 0
"""Phase of the draw that picks a handle time."""


def philox(counter: tuple[UInt64, UInt64, UInt64, UInt64], key: tuple[int, int]) -> tuple[UInt64, ...]:
    """Encrypt counters to four 32-bit random words each.

    Parameters
    ----------
    counter : four uint64 arrays, shape (n,), values below 2**32
    key : two ints below 2**32

    Returns
    -------
    four uint64 arrays, shape (n,), values below 2**32

    Notes
    -----
    Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. Philox 4x32, 10 rounds.
    """
    first, second, third, fourth = counter
    key_low, key_high = np.uint64(key[0]), np.uint64(key[1])
    for _ in range(ROUNDS):
        product, other = MULTIPLIERS[0] * first, MULTIPLIERS[1] * third
        first, second, third, fourth = (
            (other >> HALF) ^ second ^ key_low,
            other & LOW,
            (product >> HALF) ^ fourth ^ key_high,
            product & LOW,
        )
        key_low, key_high = (key_low + WEYL[0]) & LOW, (key_high + WEYL[1]) & LOW
    return first, second, third, fourth


def uniforms(
    ticket_key: npt.NDArray[np.uint64], *, seed: int, phase: int = HANDLE_PHASE, replication: int = 0
) -> npt.NDArray[np.float64]:
    """Return one uniform number per ticket, the same in every arm, order and process.

    Parameters
    ----------
    ticket_key : uint64 array, shape (n,)
    seed : int
        Its low 64 bits are the key.
    phase, replication : int
        0 to 2**32 - 1; what the number is for, and which replication.

    Returns
    -------
    float64 array, shape (n,), in [0, 1)
        53 random bits each.

    Examples
    --------
    >>> keys = np.array([7, 8], dtype=np.uint64)
    >>> bool((uniforms(keys, seed=1) == uniforms(keys[::-1], seed=1)[::-1]).all())
    True
    """
    keys = ticket_key.astype(np.uint64)
    phases, replications = (np.full(len(keys), value, dtype=np.uint64) for value in (phase, replication))
    high, low, _, _ = philox(
        (keys & LOW, keys >> HALF, phases, replications), (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
    )
    bits = (high >> np.uint64(5)) * np.uint64(1 << 26) + (low >> np.uint64(6))
    return bits.astype(np.float64) * 2.0**-53
