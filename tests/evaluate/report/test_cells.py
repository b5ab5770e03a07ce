"""Tables of published rows and of published cells: what stands where, and what cannot be told apart."""

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.cells import from_cells, from_rows

ROWS = "key\tsystem\tmodel\tpsds1\tf1\nsed\tSED\tstudent\t0.3\t40\nsed\tSED\tteacher\t0.4\t\n"
CELLS = (
    "table\trow\tcolumn\tresults\tclue\tpublished\tmetric\n"
    "One\t1-hot\tMixed\tmixed.test\tonehot\t12.6\tsdri,leakage\n"
    "One\t1-hot\tEnrl\t-\t-\t\tsdri,leakage\n"
    "Two\tMixed\tK=1\tmixed.test\tmean1\t4.4\tsdri\n"
    "Two\tEnrl\tK=5\tmixed.test\tmean5\t\tpsds1\n"
)


def write(path, text):
    path.write_text(text)
    return path


def test_rows_become_cells(tmp_path):
    table = from_rows("Table 1", write(tmp_path / "rows.tsv", ROWS))
    assert table.heads == ("system", "model") and table.columns == ["PSDS1", "F1 %"]
    assert table.rows == [("SED", "student"), ("SED", "teacher")] and table.grid().tolist() == [[0, 1], [2, 3]]
    assert [cell.results for cell in table.cells] == ["sed.student"] * 2 + ["sed.teacher"] * 2
    assert table.cells[1].published == 40 and np.isnan(table.cells[3].published)
    assert list(table.lines.columns) == ["system", "model"]


def test_cells_of_two_tables(tmp_path):
    one, two = from_cells(write(tmp_path / "cells.tsv", CELLS))
    assert (one.title, two.title) == ("One", "Two") and one.heads == ("SDRi dB",) and two.heads == ("",)
    assert one.metrics == ["sdri", "leakage"] and [cell.column for cell in one.cells] == ["Mixed", "", "Enrl", ""]
    assert one.cells[0].clue == "onehot" and one.cells[2].clue == "" and one.cells[2].results == "-"
    assert two.grid().tolist() == [[0, -1], [-1, 1]], "a table may have holes"
    assert list(one.lines.columns) == ["table", "row", "column", "results", "clue", "published"]


def test_what_cannot_be_told_apart_is_refused(tmp_path):
    with pytest.raises(UserError, match="Table 1 has two cells SED teacher / PSDS1"):
        from_rows("Table 1", write(tmp_path / "rows.tsv", ROWS.replace("student", "teacher")))
    with pytest.raises(UserError, match="One has two cells 1-hot / Mixed"):
        from_cells(write(tmp_path / "cells.tsv", CELLS.replace("Enrl\t-", "Mixed\t-")))
    with pytest.raises(UserError, match="cells.tsv: unknown column 'sdrii' .did you mean 'sdri'"):
        from_cells(write(tmp_path / "cells.tsv", CELLS.replace("sdri,", "sdrii,")))
    with pytest.raises(UserError, match="no column 'metric'"):
        from_cells(write(tmp_path / "cells.tsv", CELLS.replace("metric", "metrics")))
