"""Where the time of a step goes: phases and operations, and nothing written."""

import re

from sedsep.engine import profiling
from sedsep.engine.profiling import where_time_goes
from tests.engine.test_trainer import trainer


def test_phases_and_operations_of_a_few_steps(tmp_path):
    one = trainer(tmp_path / "run", 3)
    before = one.epoch, one.tally.seen
    text = where_time_goes(one, 10)  # more than the six batches of an epoch
    assert (one.epoch, one.tally.seen) == before and not (tmp_path / "run").exists()
    assert len(one.system.steps) == profiling.WARM_UP + 10
    whole = float(re.search(r"a step takes ([\d.]+) s, measured over 10", text)[1])
    shares = {name.strip(): float(s) for name, s in re.findall(r"^(.+?) +([\d.]+) +[\d.]+%$", text, re.M)}
    phases = ["waiting for data", "forward and losses", "gradients", "optimiser", "after the step (averages)"]
    assert list(shares)[:5] == phases and "addmm" in shares
    assert 0 < sum(shares[name] for name in phases) <= whole + 0.001
