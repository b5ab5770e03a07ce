"""Commands that measure and draw, as a person calls them: every option that is advertised works, or is refused."""

import re

import click
import numpy as np

from sedsep import cli
from sedsep.data.manifest import ClipSet
from sedsep.evaluate.score.score import METRICS
from sedsep.files import clip_id
from sedsep.scores.directory import ClipScores, ScoreSet


def write_scores(out, *directories):
    """Scores of the clips of sets, one frame of a tenth of a second each."""
    rng = np.random.default_rng(0)
    sets = [ClipSet.read(directory) for directory in directories]
    clips = {
        clip_id(clip.filename): ClipScores(np.arange(11) / 10, rng.random((10, 2))) for one in sets for clip in one
    }
    ScoreSet(sets[0].classes.names, clips, {}, {}).write(out)
    return out


def test_a_clip_without_labels_is_drawn_from_scores_of_many(sedsep, make_set, tmp_path):
    bare, other = make_set("bare", 2, strong=False, weak=False), make_set("other", 2)
    scores = write_scores(tmp_path / "scores", bare, other)
    code, said, _ = sedsep("plot", "clip", tmp_path / "clip.png", "bare_1", scores, "--data", bare)
    assert code in (0, None) and said == f"{tmp_path}/clip.png\n" and (tmp_path / "clip.png").stat().st_size > 10000


def test_plot_clip_offers_what_works():
    offered = {option for parameter in cli.sedsep.commands["plot"].commands["clip"].params for option in parameter.opts}
    assert offered == {"out", "clip", "scores", "--data", "--threshold"}, "tables of events have no sound to draw"


def test_the_curve_of_the_tables_is_an_option(sedsep, make_set, tmp_path):
    data = make_set("set")
    scores = write_scores(tmp_path / "scores", data)
    assert sedsep("plot", "psd-roc", tmp_path / "roc.svg", scores, "--data", data, "--published")[0] in (0, None)
    text = (tmp_path / "roc.svg").read_text()
    assert "all thresholds (exact PSDS)" in text and "50 operating points (psds_eval)" in text


def test_score_and_compare_print_a_number_alike(sedsep, make_set, tmp_path):
    data, printed = make_set("set"), []
    for name in ("a", "b"):
        answer = sedsep("score", write_scores(tmp_path / name, data), "--data", data, "--metric", "event-f1",
                        "--metric", "psds-exact", "--out", tmp_path / f"{name}.json")  # fmt: skip
        printed += [line.split("  ") for line in answer[1].splitlines() if line.startswith(("event-f1", "psds-exact1"))]
    text = sedsep("compare", tmp_path / "a.json", tmp_path / "b.json")[1]
    values = {value.strip() for line in printed for value in line[1:3] if value.strip()[:1].isdigit()}
    assert values and all(f"  {value}" in text for value in values), (values, text)
    assert "%" in text


def test_the_help_of_score_names_every_metric():
    (option,) = (parameter for parameter in cli.sedsep.commands["score"].params if "--metric" in parameter.opts)
    assert set(re.findall(r"[a-z0-9-]+", option.help)) >= set(METRICS)


def test_an_extractor_does_not_decode(sedsep, extractor, tone, tmp_path):
    code, _, errors = sedsep("decode", tmp_path / "out", tone("a.wav"), "--model", extractor())
    assert code == 1 and len(errors) == 1 and not (tmp_path / "out").exists()
    assert "extractor.pt: holds an extraction model, which extracts; it cannot decode clips" in errors[0]
    assert "sedsep extract" in errors[0]


def test_every_command_and_subcommand_says_what_its_options_are():
    def walk(command, path):
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{path} {name}")
        yield path, command

    for path, command in walk(cli.sedsep, "sedsep"):
        assert command.get_short_help_str(), path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path}: {parameter.opts}"
