"""FUSS's measures of a separated clip: SI-SNR of the sources that are matched, and how many were found.

Source: Wisdom et al., "What's all the FUSS about free universal sound separation data?" (ICASSP 2021), as the
baseline's evaluation computes them; spec 06, H.7. Unlike SI-SDR in ``separation.py`` no mean is removed.
"""

from dataclasses import dataclass

import numpy as np

from sedsep.metrics.separation import assign

EPSILON = 1e-8  # added to both powers of SI-SNR, which keeps it within +-80 dB
AUDIBLE = 1e-8  # root mean square above which a reference is active
SHARE = 0.01  # of the smallest active reference's power, above which an output is active: -20 dB


@dataclass(frozen=True)
class Measured:
    """What became of a clip's sources.

    Args:
        n_references, n_outputs: how many of each are active.
        estimates, references: ``(P,)`` indices of the pairs in which both are active.
        si_snr, improvement: ``(P,)`` dB of these pairs, and how much more that is than the mixture has.
    """

    n_references: int
    n_outputs: int
    estimates: np.ndarray
    references: np.ndarray
    si_snr: np.ndarray
    improvement: np.ndarray


def pairwise_si_snr(estimates, references) -> np.ndarray:
    """SI-SNR in dB of estimates ``(N, T)`` against references ``(M, T)`` from their cosine: ``(N, M)``.

    >>> pairwise_si_snr(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[2.0, 0.0]])).round(2)
    array([[  9.54],
           [-80.  ]])
    """
    signal = (_unit(estimates) @ _unit(references).T) ** 2
    return 10 * np.log10((signal + EPSILON) / (1 - signal + EPSILON))


def measure(estimates, references, mixture):
    """Match outputs ``(N, T)`` to the active ones of references ``(M, T)``, so that the sum of SI-SNR is largest.

    Args:
        mixture: ``(T,)``, what the improvement is over.

    Returns:
        :class:`Measured`; None where no reference is active.
    """
    power = np.mean(np.square(references, dtype=float), axis=-1)
    audible = np.flatnonzero(power > AUDIBLE**2)
    if not len(audible):
        return None
    active = np.mean(np.square(estimates, dtype=float), axis=-1) > SHARE * power[audible].min()
    references = np.asarray(references)[audible]
    values = pairwise_si_snr(estimates, references)
    # Outputs that are too quiet take part in the assignment, as published: only then are their pairs left out.
    chosen = assign(values)
    paired = np.flatnonzero((chosen >= 0) & active[chosen])
    si_snr = values[chosen[paired], paired]
    before = pairwise_si_snr(np.asarray(mixture)[None], references)[0, paired]
    return Measured(len(audible), int(active.sum()), chosen[paired], audible[paired], si_snr, si_snr - before)


def _unit(signals) -> np.ndarray:
    """Signals ``(N, T)`` at an energy of one, in double precision; silence stays silence."""
    signals = np.asarray(signals, float)
    return signals / np.sqrt(np.maximum(np.sum(signals**2, axis=-1, keepdims=True), 1e-16))
