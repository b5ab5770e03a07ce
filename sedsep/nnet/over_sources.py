"""From the scores of single sources to those of the clip.

Sources: JSS (maximum); DCASE 2021 task 4 SSep+SED baseline (sum up to 1). Cornell et al. 2020 do not say how the
scores of their five sources become one (spec 03, E1.f).
"""

from typing import Literal

# Each maps scores in [0, 1] of the sources ``(B, N, ...)`` to scores in [0, 1] of the clip ``(B, ...)``.
OVER_SOURCES = {
    "max": lambda scores: scores.amax(1),
    "sum": lambda scores: scores.sum(1).clamp(max=1),
    # The probability that a class sounds in any source, were they independent.
    "noisy_or": lambda scores: 1 - (1 - scores).prod(1),
}
OverSources = Literal["max", "sum", "noisy_or"]
