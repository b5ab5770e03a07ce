"""Benchmark of simulation against Scaper 1.6.5: 10-s scenes at 16 kHz with stems and labels, written to disk.

Both draw from one soundbank (synthesised here), four events and one background per scene, 6 to 30 dB over it, and
write the mixture, each source by itself, and the labels. Both run in one process, on one core.
"""

import contextlib
import io
import itertools
import tempfile
from pathlib import Path

import numpy as np
import scaper

from sedsep.data.corpora.collections import read_collection
from sedsep.data.minibank import synthesise_bank
from sedsep.data.scene import SceneDescription
from sedsep.data.simulate import simulate
from sedsep.data.soundbank import Soundbank, build

np.inf = np.inf  # the name that Scaper knows; NumPy 2 dropped it

RATE, SECONDS, N_SCENES, N_EVENTS = 16000, 10.0, 20, 4
EVENT_SECONDS, LEVEL_DB, BACKGROUND_DB = (0.25, 8.0), (6.0, 30.0), -50


def scaper_scenes(foreground: Path, background: Path, out: Path) -> None:
    """Draw and write the scenes with Scaper: durations and starts uniform, no stretching, as ours."""
    out.mkdir()
    scenes = scaper.Scaper(SECONDS, str(foreground), str(background), random_state=0)
    scenes.sr, scenes.ref_db = RATE, BACKGROUND_DB
    for index in range(N_SCENES):
        scenes.reset_bg_event_spec()
        scenes.reset_fg_event_spec()
        scenes.add_background(("choose", []), ("choose", []), ("const", 0))
        for _ in range(N_EVENTS):
            scenes.add_event(
                label=("choose", []), source_file=("choose", []), source_time=("const", 0),
                event_time=("uniform", 0, SECONDS - 1), event_duration=("uniform", *EVENT_SECONDS),
                snr=("uniform", *LEVEL_DB), pitch_shift=None, time_stretch=None,
            )  # fmt: skip
        place = out / f"{index}.wav"
        scenes.generate(
            str(place), str(place.with_suffix(".jams")), txt_path=str(place.with_suffix(".txt")),
            save_isolated_events=True, fix_clipping=True, disable_instantiation_warnings=True, no_audio=False,
        )  # fmt: skip


def our_scenes(description: SceneDescription, bank: Soundbank, out: Path) -> None:
    """Draw and write the scenes, without the progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        simulate(description, bank, out)


def benchmarks():
    """Yield (name, ours, peer)."""
    description = SceneDescription(
        sample_rate=RATE, seconds=SECONDS, count=N_SCENES, n_events=(N_EVENTS, N_EVENTS), level_db=LEVEL_DB,
        event_seconds=EVENT_SECONDS, background_level_db=(BACKGROUND_DB, BACKGROUND_DB), same_class_overlap=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sounds = folder / "sounds"
        synthesise_bank(sounds, seed=0, per_class=6, n_backgrounds=10)
        with contextlib.redirect_stderr(io.StringIO()):
            build(folder / "bank", read_collection(sounds))
        bank = Soundbank.read(folder / "bank")
        foreground = folder / "foreground"  # Scaper takes every folder for a class
        foreground.mkdir()
        for label in bank.classes:
            (foreground / label).symlink_to(sounds / label)
        # Each call writes to a new directory, so that neither side's time has the removal of old files.
        number = itertools.count()
        yield (
            f"simulation, {N_SCENES} scenes of {SECONDS:g} s with stems",
            lambda: our_scenes(description, bank, folder / f"ours{next(number)}"),
            lambda: scaper_scenes(foreground, sounds / "background", folder / f"scaper{next(number)}"),
        )
