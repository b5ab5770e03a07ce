"""Compiled functions: numba's, kept on disk for the next process where there is a place for them."""

from collections.abc import Callable
from typing import Literal

import numba


def compiled(
    error_model: Literal["python", "numpy"] = "python",
    inline: Literal["never", "always"] = "never",
    fused: bool = False,
    regrouped: bool = False,
) -> Callable:
    """A decorator that compiles a function at its first call; threads may run it side by side.

    What is on disk is compiled again when the function's own file changes, and only then: so a compiled function
    calls none of another file. Where numba finds no folder that it may write (see NUMBA_CACHE_DIR), every process
    compiles for itself.

    Args:
        error_model: whether a division by zero raises ("python") or gives infinity ("numpy").
        inline: "always" puts the function's code in place of its calls.
        fused: one operation may round once for a product and a sum. regrouped: sums may be taken in another order.
    """

    def decorate(function):
        freedom = {name for name, given in (("contract", fused), ("reassoc", regrouped)) if given}
        options = dict(nogil=True, error_model=error_model, inline=inline, fastmath=freedom or False)
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # nowhere to write
            return numba.njit(**options)(function)

    return decorate
