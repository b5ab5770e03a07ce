"""Report: results of an experiment's systems -> a table for machines and a page for people, ours beside the published.

Results are read from ``<key>.<model>.json`` as ``sedsep score`` writes them; the table of published rows
(key, system, model, psds1, psds2, f1) says which there should be, in which order, and under which name.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sedsep.errors import UserError
from sedsep.files import read_json, read_table, write_table, write_text, writing

METRICS = {"psds1": ("psds1", 1), "psds2": ("psds2", 1), "f1": ("event-f1-macro", 100)}


def report(results, published, table, page, command="", experiment=None) -> str:
    """Write the table, the page and its pictures.

    Args:
        results: directory of ``<key>.<model>.json``. published: table of published rows.
        table: the table to write (system, model, psds1, psds2, f1; F1 in per cent). page: the Markdown page.
        command: what made the numbers; stands above the table.
        experiment: directory whose ``*/log.jsonl`` are drawn as training curves, or None.

    Returns:
        the table as text.

    Raises:
        UserError: a result is missing, or the results are not of the same metrics and data.
    """
    rows = read_table(published, ("key", "system", "model", *METRICS), numeric=METRICS)
    names = list(zip(rows["key"], rows["model"]))
    found = {(key, model): read_json(Path(results) / f"{key}.{model}.json") for key, model in names}
    passport = _passport(found, results)
    ours = pd.DataFrame(
        [(row.system, row.model, *_values(found[row.key, row.model])) for row in rows.itertuples()],
        columns=["system", "model", *METRICS],
    )
    write_table(table, ours.round({"psds1": 5, "psds2": 5, "f1": 3}))
    page = Path(page)
    pictures = [_draw_bars(ours, rows, page.with_name("results.png"))]
    pictures += _draw_training(experiment, page.with_name("training.png"))
    write_text(page, _page(ours, rows, passport, command, pictures))
    return _markdown(ours, rows)


def _values(result):
    return [result["metrics"][name]["value"] * scale for name, scale in METRICS.values()]


def _passport(found, results):
    """What all results share: clips, metric ids; results that differ in it do not belong into one table."""
    passports = {}
    for (key, model), result in found.items():
        for name, _ in METRICS.values():
            if name not in result["metrics"]:
                raise UserError(f"{results}/{key}.{model}.json: no {name}; score with --metric psds --metric event-f1")
        metrics = [result["metrics"][name] for name, _ in METRICS.values()]
        passport = (result["data"]["clips"], tuple((m["id"], m["data"], m["missing_clips"]) for m in metrics))
        passports.setdefault(passport, []).append(f"{key}.{model}")
    if len(passports) > 1:
        groups = " against ".join(", ".join(group) for group in passports.values())
        raise UserError(f"{results}: results of different data or metrics ({groups}); run stages 5 to 7 again")
    return next(iter(passports))


def _markdown(ours, rows):
    head = "| system | model | PSDS1 | PSDS2 | F1 % | paper: PSDS1 | PSDS2 | F1 % |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for mine, paper in zip(ours.itertuples(), rows.itertuples()):
        cells = [mine.system, mine.model, f"{mine.psds1:.3f}", f"{mine.psds2:.3f}", f"{mine.f1:.2f}"]
        lines.append(f"| {' | '.join([*cells, f'{paper.psds1:.3f}', f'{paper.psds2:.3f}', f'{paper.f1:.2f}'])} |")
    return "\n".join(lines)


def _page(ours, rows, passport, command, pictures):
    clips, metrics = passport
    missing = f", **{metrics[0][2]} missing**" if metrics[0][2] else ""
    parts = ["# Results", ""]
    if command:
        parts += ["```sh", command, "```", ""]
    parts += [
        _markdown(ours, rows),
        "",
        f"Ours: {clips} test clips{missing}, data {metrics[0][1]}. The paper's columns are the published ones on the "
        "1168 clips of the DESED validation set: another corpus unless this page says `--corpus desed`.",
        "",
        *(f"- `{identity}`" for identity, _, _ in metrics),
        "",
        *(f"![{path.stem}]({path.name})" for path in pictures),
        "",
    ]
    return "\n".join(parts)


def _draw_bars(ours, rows, path):
    """PSDS1 and PSDS2 of every row, with the published value as a mark."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    systems, models = list(dict.fromkeys(ours["system"])), list(dict.fromkeys(ours["model"]))
    for axis, metric in zip(axes, ("psds1", "psds2")):
        for shift, model in zip(np.linspace(-0.2, 0.2, len(models)), models):
            chosen = ours["model"] == model
            places = np.array([systems.index(name) for name in ours.loc[chosen, "system"]]) + shift
            axis.bar(places, ours.loc[chosen, metric], 0.36, label=model)
            label = "published, on DESED" if model == models[-1] else None
            axis.plot(places, rows.loc[chosen.to_numpy(), metric], "k_", markersize=12, label=label)
        axis.set(title=metric.upper(), xticks=range(len(systems)), ylim=(0, 1))
        axis.set_xticklabels([name.replace(" ", "\n") for name in systems], fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    return _keep(figure, path)


def _draw_training(experiment, path):
    """Training losses and objectives over epochs, one column for each training run."""
    logs = sorted(Path(experiment).glob("*/log.jsonl")) if experiment else []
    if not logs:
        return []
    figure = Figure(figsize=(2.6 * len(logs), 4), layout="constrained")
    axes = figure.subplots(2, len(logs), squeeze=False)
    for log, (losses, objectives) in zip(logs, axes.T):
        records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        epochs = [record["epoch"] for record in records]
        for name in records[0]["loss"]:
            losses.plot(epochs, [record["loss"].get(name, np.nan) for record in records], ".-", label=name)
        checked = [record for record in records if "valid" in record]
        for variant in checked[0]["valid"] if checked else ():
            values = [record["valid"][variant]["objective"] for record in checked]
            objectives.plot([record["epoch"] for record in checked], values, ".-", label=variant)
        losses.set(title=log.parent.name)
        objectives.set(xlabel="epoch")
        for axis in (losses, objectives):
            axis.legend(fontsize=7, frameon=False)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set(ylabel="training loss")
    axes[1, 0].set(ylabel="objective (more is better)")
    return [_keep(figure, path)]


def _keep(figure, path):
    with writing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    return path
