import json

import numpy as np
import pytest
from matplotlib import image

from sedsep.evaluate.report.training import _abreast, draw_training


def write_log(directory, epochs):
    directory.mkdir(parents=True)
    records = [
        {"epoch": e, "loss": {"strong": 1 / e, "weak": 2 / e}, "valid": {"student": {"objective": e}}}
        for e in range(1, epochs + 1)
    ]
    (directory / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return directory


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_run_is_drawn_with_any_number_of_epochs_and_seeds(tmp_path, epochs):
    runs = [write_log(tmp_path / seed / "sed", epochs) for seed in ("seed1", "seed2")]
    drawn = image.imread(draw_training(runs, tmp_path / "two.png"))
    colours = {tuple(colour) for colour in np.round(drawn.reshape(-1, 4)[::7] * 255).astype(int)}
    assert len(colours) > 20, "something is drawn in colour"


def test_runs_stand_in_the_order_given_and_wrap(tmp_path):
    runs = [write_log(tmp_path / name, 1) for name in ("sep", "sed", "s1", "jt")]
    one_band = image.imread(draw_training(runs, tmp_path / "four.png")).shape
    more = image.imread(draw_training([*runs, write_log(tmp_path / "x", 1)], tmp_path / "five.png")).shape
    assert more[1] == one_band[1] and more[0] > 1.5 * one_band[0]
    straight = image.imread(draw_training(runs[:2], tmp_path / "a.png"))
    turned = image.imread(draw_training(runs[1::-1], tmp_path / "b.png"))
    assert not np.array_equal(straight, turned)


def test_rows_are_even():
    assert [_abreast(count, 4) for count in (1, 4, 5, 6, 8, 9)] == [1, 4, 3, 3, 4, 3]
