"""Result bars: one picture for tables of any shape, as wide as a page, higher with more tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from sedsep.evaluate.report import style
from sedsep.evaluate.report.cells import Cell, Table
from sedsep.evaluate.report.result_bars import draw_results


def table(title, rows, columns, metric="psds1"):
    cells = [Cell(0, row, column, metric, "x", "", "", np.nan) for row in rows for column in columns]
    return Table(title, ("system", "model")[: len(rows[0])], tuple(cells), pd.DataFrame())


@pytest.mark.parametrize("value", [0.5, -3.0, 0.0, np.nan])
@pytest.mark.parametrize("seeds", [1, 3])
def test_any_shape_and_value(tmp_path, value, seeds):
    wide = table("Wide", [("A", "student"), ("A", "teacher"), ("B", "student")], ["PSDS1", "2-4 sources SI-SNRi dB"])
    long = table("Long", [("A",), ("B",)], ["-5 dB", "0 dB", "5 dB"], "sdri")
    values = [np.full((len(one.cells), seeds), value) for one in (wide, long)]
    two = image.imread(draw_results([wide, long], values, tmp_path / "two.png"))
    one = image.imread(draw_results([wide], values[:1], tmp_path / "one.png"))
    assert two.shape[1] == one.shape[1] == round(style.WIDTH * style.RC["savefig.dpi"])
    assert two.shape[0] > 1.4 * one.shape[0]
    blue = (np.abs(one[..., :3] - (0, 0x72 / 255, 0xB2 / 255)).max(-1) < 0.02).sum()
    assert blue > 200, "a legend of the models, and bars where there are values"
