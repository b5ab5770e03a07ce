"""Times sedsep against its peers: ``python tools/bench/run.py [--rounds N] [NAME ...]``.

Every ``tools/bench/<topic>.py`` has a function ``benchmarks()`` that yields ``(name, ours, peer)``, two functions
without arguments that do the same work; with a fourth, ``{"flops": n}`` or ``{"bytes": n}``, the table has ours' share
of the rate of a matrix product, or of a copy, in the same run ("limit"). Both run alternately in one process on two
threads, so that a busy machine slows both; short calls are repeated to last a tenth of a second; the figures are
medians per call, and ``exp/bench.json`` has the fastest and the slowest of each side too. A topic with a function
``memory`` is run as a program too, and prints a result of its own. A topic that cannot be imported is listed as
skipped, with the reason.

A line before the table names the kernels of OpenBLAS, for some environments choose older ones than the processor has
(OPENBLAS_CORETYPE). ``make bench`` leaves the choice to OpenBLAS.
"""

import argparse
import functools
import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import time
import warnings
from datetime import datetime, timezone
from pathlib import Path

import scipy.linalg.cython_blas  # noqa: F401 - loads the OpenBLAS that is asked for its kernels
import torch
from threadpoolctl import threadpool_info
from torch.utils.flop_counter import FlopCounterMode

from sedsep.files import write_json

HERE = Path(__file__).resolve().parent
RESULT = HERE.parents[1] / "exp" / "bench.json"
THREADS = 2
LEAST = 0.1  # seconds
PATIENCE = 60  # seconds


def seconds(function, repeats: int = 1) -> float:
    """Wall-clock time of one call, as the mean of ``repeats``."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def compare(name: str, ours, peer, rounds: int, least: float = LEAST) -> dict:
    """Medians of alternate timings of at least ``least`` seconds, after one call of each that does not count.

    Rounds are fewer where they would take more than ``PATIENCE`` seconds together.
    """
    ours()  # the first call may compile
    first = seconds(ours), seconds(peer)
    sides = [(side, max(1, round(least / once))) for side, once in zip((ours, peer), first)]
    rounds = max(1, min(rounds, int(PATIENCE / sum(max(least, once) for once in first))))
    pairs = [[seconds(*side) for side in sides] for _ in range(rounds)]
    ours_s, peer_s = (statistics.median(times) for times in zip(*pairs))
    spread = [min(times) for times in zip(*pairs)] + [max(times) for times in zip(*pairs)]
    return {"name": name, "ours_s": ours_s, "peer_s": peer_s, "ratio": peer_s / ours_s, "spread": spread}


@functools.cache
def limits() -> tuple:
    """Floating-point operations and bytes per second of this machine: a product of matrices, and a copy."""
    a, b = torch.randn(2, 2048, 2048)
    product = statistics.median(seconds(lambda: torch.mm(a, b)) for _ in range(5))
    source, target = torch.ones(2, 2**26)  # 256 MB each, more than any cache holds
    copy = statistics.median(seconds(lambda: target.copy_(source)) for _ in range(5))
    return 2 * 2048**3 / product, 2 * 2**28 / copy


def share(result: dict, work: dict) -> dict:
    """The result with its share of the machine's limit: ``work`` has "flops" or "bytes" of a call of ours.

    Flops may be a pair of a number and a call in plain torch, whose products and convolutions are counted so many
    times. A training step is three forward passes, to its input, its weights and its output: the counter takes the
    gradients of depth-wise convolutions for those of full ones.
    """
    rates = dict(zip(("flops", "bytes"), limits()))
    ((sort, amount),) = work.items()
    amount = amount[0] * flops_of(amount[1]) if isinstance(amount, tuple) else amount
    return {**result, sort: amount, "share": amount / result["ours_s"] / rates[sort]}


def flops_of(function) -> int:
    """Floating-point operations of a call of plain torch, by its products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def processor() -> str:
    """The name of the machine's processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    family = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("cpu family", "model\t"))]
    return f"{names[0]} (family {', model '.join(family[:2])})" if names else platform.processor() or platform.machine()


def load(path: Path):
    """The module of a topic."""
    spec = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def memory_of(path: Path) -> dict:
    """The result that a topic prints as a program: peaks of memory are those of whole processes."""
    done = subprocess.run([sys.executable, path], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    print(f"{result['ours_s']:9.4f} {result['ours_gb']:6.2f} GB {'':8s}  {result['name']}", flush=True)
    return result


def run(topics, names, rounds: int) -> list:
    """All results, printed as they come; a skipped one has ``skipped`` in place of figures."""
    results = []
    for path in topics:
        try:
            topic = load(path)
            for name, ours, peer, *work in topic.benchmarks():
                if names and not any(wanted in f"{path.stem} {name}" for wanted in names):
                    continue
                result = compare(name, ours, peer, rounds)
                if work:
                    result = share(result, *work)
                figures = f"{result['ours_s']:9.4f} {result['peer_s']:9.4f} {result['ratio']:8.1f}"
                part = f"{result['share']:6.0%}" if work else f"{'':6s}"
                print(f"{figures} {part}  {name}", flush=True)
                results.append(result)
            if hasattr(topic, "memory") and (not names or "memory" in names):
                results.append(memory_of(path))
        except ImportError as error:
            print(f"{'skipped':>28s}  {path.stem}: {error}", flush=True)
            results.append({"name": path.stem, "skipped": str(error)})
    return results


def main(arguments) -> None:
    """Run the benchmarks and write ``exp/bench.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names; all benchmarks by default")
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each side (default 7)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    warnings.simplefilter("ignore")
    print("OpenBLAS:", *sorted({library["architecture"] for library in threadpool_info() if "architecture" in library}))
    print(f"{processor()}: matrix product {limits()[0] / 1e9:.0f} GFLOPS, copy {limits()[1] / 1e9:.1f} GB/s")
    print(f"{'ours (s)':>9s} {'peer (s)':>9s} {'ratio':>8s} {'limit':>6s}")
    topics = [path for path in sorted(HERE.glob("*.py")) if path.name != Path(__file__).name]
    machine = {"processor": processor(), "threads": THREADS, "flops": limits()[0], "bytes": limits()[1]}
    begun = datetime.now(timezone.utc).isoformat(timespec="seconds")
    results = run(topics, options.names, options.rounds)
    write_json(RESULT, {"date": begun, "machine": machine, "results": results})
    print(f"written to {RESULT}")


if __name__ == "__main__":
    main(sys.argv[1:])
