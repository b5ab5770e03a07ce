"""Where the fast path applies."""

import torch
from torch import nn
from torch.nn.modules import module as torch_module

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def fusable(x: torch.Tensor) -> bool:
    """Whether the fused operations take ``x``: on CPU, in plain float32 or float64, and not while compiling."""
    plain = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and plain and not torch.compiler.is_compiling()


def hooked(*modules: nn.Module) -> bool:
    """Whether a hook waits for a call of one of these modules, or of one inside them; or for that of any module."""
    inside = (module for outer in modules for module in outer.modules())
    waits = any(getattr(module, hooks) for module in inside for hooks in HOOKS)
    return waits or torch_module._has_any_global_hook()
