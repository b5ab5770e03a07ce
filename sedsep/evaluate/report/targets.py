"""Report of target sound extraction: tables of models against clues, ours beside the published, and per class.

Results are read from ``<results>.json`` as ``sedsep score --metric extraction`` writes them. The table of
published numbers (table, row, column, results, clue, published) has one line for every cell: where it stands, and
from which results and clue our number comes; "-" where the paper has none. Several directories hold other seeds.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sedsep.errors import UserError
from sedsep.evaluate.report.pictures import draw_training
from sedsep.files import read_json, read_table, write_table, write_text, writing

CELL = ["table", "row", "column", "results", "clue", "published"]
NUMBERS = {"sdri": "sdr-improvement", "si_sdri": "si-sdr-improvement", "leakage": "leakage"}


def report(results, published, table, page, command="", training=(), bars="") -> str:
    """Write the table, the page and its pictures.

    Args:
        results: directories of ``<results>.json``, one per seed. published: the table of cells.
        table: the table to write: table, row, column, results, clue, published, and every number, mean over seeds.
        page: the Markdown page. command: what made the numbers; stands above the tables.
        training: directories of training runs, whose curves are drawn.
        bars: ``<results>:<clue>`` whose SDR improvement is drawn for each class.

    Returns:
        the tables as text.

    Raises:
        UserError: a result is missing, or the results are not of the same metrics and data.
    """
    cells = read_table(published, CELL, numeric=("published",))
    wanted = sorted(set(cells.loc[cells["results"] != "-", "results"]))
    seeds = [{name: read_json(Path(directory) / f"{name}.json") for name in wanted} for directory in results]
    passports = _passports(seeds)
    values = {name: _values(cells, seeds, metric) for name, metric in NUMBERS.items()}  # (cells, seeds)
    write_table(table, cells.assign(**{name: found.mean(1).round(3) for name, found in values.items()}))
    texts = []
    for title in dict.fromkeys(cells["table"]):
        chosen = (cells["table"] == title).to_numpy()
        inside = cells[chosen].reset_index(drop=True)
        texts.append(f"## {title}\n\n{_pivot(inside, values['sdri'][chosen])}")
    page = Path(page)
    pictures = [_draw_classes(seeds, bars, page.with_name("classes.png"))] if bars else []
    pictures += [draw_training(training, page.with_name("training.png"))] if training else []
    write_text(page, _page(texts, cells, values, passports, len(seeds), command, pictures))
    return "\n\n".join(texts)


def _values(cells, seeds, metric) -> np.ndarray:
    """The numbers of all cells ``(cells, seeds)``, NaN where there is none."""
    found = np.full((len(cells), len(seeds)), np.nan)
    for c, cell in enumerate(cells.itertuples()):
        for s, seed in enumerate(seeds if cell.results != "-" else ()):
            metrics = seed[cell.results]["metrics"]
            if f"{cell.clue}.sdr-improvement" not in metrics:
                raise UserError(f"{cell.results}.json: nothing was extracted by the clue {cell.clue!r}; decode it")
            value = metrics.get(f"{cell.clue}.{metric}", {}).get("value")
            found[c, s] = np.nan if value is None else value
    return found


def _passports(seeds) -> dict:
    """Test set -> what its results must share: clips, data and the identity of each number."""
    found = {}
    for name, result in ((name, result) for seed in seeds for name, result in seed.items()):
        parts = {}
        for metric, entry in result["metrics"].items():
            parts.setdefault(metric.split(".", 1)[1], entry["id"])
        entries = result["metrics"].values()
        data, missing = next(iter(entries))["data"], max(entry["missing_clips"] for entry in entries)
        test = name.split(".", 1)[1]
        passport = (result["data"]["clips"], data, missing)
        known, _ = found.setdefault(test, (passport, parts))
        if known != passport:
            raise UserError(f"{name}.json: of other data than other results on {test}; run stages 5 to 7 again")
    return found


def _pivot(cells, values) -> str:
    """Rows and columns as the paper has them: our numbers, then the published ones."""
    columns = list(dict.fromkeys(cells["column"]))
    head = ["", *columns, f"paper: {columns[0]}", *columns[1:]]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in dict.fromkeys(cells["row"]):
        ours, theirs = [], []
        for column in columns:
            (index,) = np.flatnonzero((cells["row"] == row) & (cells["column"] == column))
            ours.append(_text(values[index]))
            theirs.append(_text(cells["published"].iloc[[index]].to_numpy()))
        lines.append(f"| {' | '.join([row, *ours, *theirs])} |")
    return "\n".join(lines)


def _text(values) -> str:
    """A number in dB, with its standard deviation over seeds where there are several."""
    if np.isnan(values).any():
        return "-"
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def _page(texts, cells, values, passports, n_seeds, command, pictures) -> str:
    parts = ["# Results", ""]
    if command:
        parts += ["```sh", command, "```", ""]
    for text in texts:
        parts += [text, ""]
    seeds = f" Mean ± standard deviation over {n_seeds} seeds." if n_seeds > 1 else ""
    parts += [
        f"SDR improvement of BSSEval in dB, averaged over targets.{seeds} The paper's numbers are on FSDKaggle2018 "
        "and FSD50K: another corpus unless the command says `--corpus fsd`.",
        "",
        "## The same with SI-SDR, and what leaks",
        "",
        "Leakage: level, relative to the mixture, of what is extracted for a class that is not in the clip.",
        "",
        "| model and test set | clue | SDRi dB | SI-SDRi dB | leakage dB |",
        "|---|---|---|---|---|",
    ]
    for c, cell in enumerate(cells.itertuples()):
        if cell.results != "-":
            numbers = [_text(values[name][c]) for name in NUMBERS]
            parts.append(f"| {cell.results} | {cell.clue} | {' | '.join(numbers)} |")
    parts.append("")
    for test, ((clips, data, missing), identities) in passports.items():
        lacking = f", **{missing} missing**" if missing else ""
        parts.append(f"- {test}: {clips} clips{lacking}, data {data}")
    parts += [*(f"- `{identity}`" for identity in dict.fromkeys(identities.values())), ""]
    parts += [*(f"![{path.stem}]({path.name})" for path in pictures), ""]
    return "\n".join(parts)


def _draw_classes(seeds, bars, path) -> Path:
    """The paper's figure 2: SDR improvement of each class that a clue extracts."""
    results, _, clue = bars.partition(":")
    if results not in seeds[0] or f"{clue}.sdr-improvement" not in seeds[0][results]["metrics"]:
        raise UserError(f"--bars {bars}: expected <results>:<clue> out of the table of published numbers")
    entries = [seed[results]["metrics"][f"{clue}.sdr-improvement"]["per_class"] for seed in seeds]
    names = [name for name, value in entries[0].items() if value is not None]
    values = pd.DataFrame([[entry[name] for name in names] for entry in entries], columns=names)
    figure = Figure(figsize=(3.4 + 0.5 * len(names), 3.4), layout="constrained")
    axis = figure.subplots()
    axis.bar(range(len(names)), values.mean(), 0.7, yerr=values.std(ddof=1) if len(values) > 1 else None)
    labels = [name.replace("_", " ") for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=30, ha="right", fontsize=8)
    axis.set_title(f"{results}, {clue}", fontsize=9)
    axis.set_ylabel("SDR improvement in dB")
    axis.spines[["top", "right"]].set_visible(False)
    with writing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    return path
