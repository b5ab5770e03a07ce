"""Where the time of a training step goes: its phases, and what the processor or GPU does in them."""

import time

import torch
from torch.profiler import ProfilerActivity, profile

from sedsep import progress

WARM_UP, STEPS = 2, 6
MOST = 14  # operations that are listed
PHASE = "step: "


def where_time_goes(trainer, steps: int = STEPS) -> str:
    """Take a few steps, none of which is kept, and say for people what took how long.

    Args:
        trainer: a ``Trainer`` that has not begun.

    Returns:
        a table of the phases of a step and one of the operations by the time that is their own.
    """
    trainer.rehearse(WARM_UP)
    start = time.perf_counter()
    kinds = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * torch.cuda.is_available()]
    with profile(activities=kinds, acc_events=True) as measured, progress.bar(steps, "step") as bar:
        trainer.rehearse(steps, bar.update)
    seconds = (time.perf_counter() - start) / steps
    events = measured.key_averages()
    phases = {event.key: event.cpu_time_total for event in events if event.key.startswith(PHASE)}
    lines = [f"a step takes {seconds:.3f} s, measured over {steps} ({torch.get_num_threads()} threads)", ""]
    lines += _table("phase", {name.removeprefix(PHASE): value for name, value in phases.items()}, steps, seconds)
    # On a GPU an operation's own time is there, and the processor only hands it over.
    own = {event.key: getattr(event, "self_device_time_total", 0) or event.self_cpu_time_total for event in events}
    most = sorted((item for item in own.items() if item[0] not in phases), key=lambda item: -item[1])[:MOST]
    lines += ["", *_table("operation", {name.removeprefix("aten::"): value for name, value in most}, steps, seconds)]
    return "\n".join(lines)


def phase(name: str):
    """A context manager: what happens within is a phase of the step."""
    return torch.profiler.record_function(PHASE + name)


def _table(title, microseconds, steps, whole):
    """Lines ``title  s/step  share``."""
    rows = [(name, value / 1e6 / steps) for name, value in microseconds.items()]
    width = max(len(title), *(len(name) for name, _ in rows))
    lines = [f"{title:{width}s}  s/step  share"]
    return lines + [f"{name:{width}s}  {value:6.4f}  {value / whole:5.1%}" for name, value in rows]
