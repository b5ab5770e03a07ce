"""Separation quality: SI-SDR and BSSEval's SDR, each of every estimate against every reference, and who is who.

Sources: Le Roux et al., "SDR - half-baked or well done?" (ICASSP 2019); Vincent, Gribonval and Fevotte,
"Performance measurement in blind audio source separation" (2006), where an estimate may differ from its reference
by any filter of 512 taps. Both look at one reference at a time, so the value of a source does not depend on which
others are known. A silent reference has neither: it is told apart by :func:`active`.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import LinAlgError, solve, toeplitz
from scipy.optimize import linear_sum_assignment

# Power below which a reference is silent (-100 dB of full scale), and the bound of what is a ratio of powers.
SILENCE = 1e-10
BOUND_DB = 120.0
TAPS = 512


def active(references) -> np.ndarray:
    """Which references ``(M, T)`` are not silent: ``(M,)`` booleans."""
    return np.mean(np.square(references, dtype=float), axis=-1) > SILENCE


def pairwise_si_sdr(estimates, references) -> np.ndarray:
    """Scale-invariant SDR in dB of estimates ``(N, T)`` against active references ``(M, T)``: ``(N, M)``.

    Each signal's mean is removed first; values end at +-120 dB.

    >>> t = np.linspace(0, 100, 1000)
    >>> pairwise_si_sdr(np.stack([np.sin(t) + 0.1 * np.cos(t)]), np.stack([2 * np.sin(t)])).round(0)
    array([[20.]])
    """
    estimates = estimates - np.mean(estimates, axis=-1, keepdims=True, dtype=float)
    references = references - np.mean(references, axis=-1, keepdims=True, dtype=float)
    product = estimates @ references.T  # (N, T) (T, M) -> (N, M)
    target = product**2 / np.sum(references**2, axis=-1)
    return _decibel(target, np.sum(estimates**2, axis=-1, keepdims=True))


def pairwise_sdr(estimates, references, taps=TAPS) -> np.ndarray:
    """BSSEval SDR in dB of estimates ``(N, T)`` against active references ``(M, T)``: ``(N, M)``.

    The part of an estimate that delays of the reference by 0 to ``taps - 1`` samples explain, over the rest. One
    Toeplitz system per reference serves all estimates.
    """
    estimates, references = np.asarray(estimates, float), np.asarray(references, float)
    n = next_fast_len(references.shape[-1] + taps, real=True)
    spectra, reference_spectra = rfft(estimates, n), rfft(references, n)
    target = np.empty((len(estimates), len(references)))
    for m, spectrum in enumerate(reference_spectra):
        autocorrelation = irfft(np.abs(spectrum) ** 2, n)[:taps]
        product = irfft(spectra * np.conj(spectrum), n)[:, :taps].T  # (taps, N)
        matrix = toeplitz(autocorrelation)
        try:
            filters = solve(matrix, product, assume_a="pos")
        except LinAlgError:
            # Delays of a reference with an empty band are linearly dependent; noise at -100 dB makes them not.
            filters = solve(matrix + SILENCE * matrix[0, 0] * np.eye(taps), product, assume_a="pos")
        target[:, m] = np.sum(product * filters, axis=0)
    return _decibel(target, np.sum(estimates**2, axis=-1, keepdims=True))


def assign(pairwise) -> np.ndarray:
    """The estimate of each reference, one to one, with the largest sum: ``(M,)``; -1 for one that is left over.

    >>> assign(np.array([[1.0, 5.0], [4.0, 6.0], [0.0, 0.0]]))
    array([1, 0])
    """
    estimate, reference = linear_sum_assignment(pairwise, maximize=True)
    chosen = np.full(np.shape(pairwise)[1], -1)
    chosen[reference] = estimate
    return chosen


def leakage(estimates, mixture) -> float:
    """Level in dB, relative to the mixture ``(T,)``, of estimates ``(N, T)`` that should be silent."""
    power = np.sum(np.square(estimates, dtype=float)) / max(np.sum(np.square(mixture, dtype=float)), SILENCE)
    return float(np.clip(10 * np.log10(max(power, 1e-300)), -BOUND_DB, BOUND_DB))


def _decibel(target, total) -> np.ndarray:
    """Ratio of the target's energy to the rest of the total, in dB, within the bound; silence has the least."""
    floor = np.maximum(total, 1e-300) * 10 ** (-BOUND_DB / 10)
    ratio = np.maximum(target, floor) / np.maximum(total - target, floor)
    return np.where(total > 0, np.clip(10 * np.log10(ratio), -BOUND_DB, BOUND_DB), -BOUND_DB)
