"""Parts: where clips come from, files or the simulator; a clip is a function of (epoch, index)."""

from sedsep.data import audio
from sedsep.data.clip import LoadedClip
from sedsep.data.simulate import SimulatedClips
from sedsep.errors import UserError
from sedsep.files import clip_id


class RecordedClips:
    """Clips of sets on disk.

    Args:
        clips: ``manifest.Clip`` s. sample_rate: Hz; audio at another rate is an error. stems: read the stems too.

    Raises:
        UserError: stems are wanted and a clip has none.
    """

    def __init__(self, clips, sample_rate: int, stems: bool = False):
        self.clips, self.sample_rate, self.stems = tuple(clips), sample_rate, stems
        for clip in self.clips if stems else ():
            if not clip.stems or any(stem.path is None for stem in clip.stems):
                raise UserError(
                    f"{clip.path}: the set has no stems for this clip, and the loss needs them; "
                    "simulate it with stems, or train with --loss mixit"
                )

    def __len__(self):
        return len(self.clips)

    def clip(self, epoch: int, index: int) -> LoadedClip:
        """The clip ``index``, the same in every epoch. Raises UserError for audio that is missing or broken."""
        clip = self.clips[index]
        mixture = audio.read(clip.path, self.sample_rate)
        stems = origins = None
        if self.stems:
            stems = _by_class((s, audio.read(s.path, self.sample_rate)) for s in clip.stems)
            origins = origins_of(clip.stems)
        return LoadedClip(
            clip_id(clip.filename), mixture, self.sample_rate, clip.strong, clip.weak, stems,
            clip.domain == "synthetic", origins,
        )  # fmt: skip

    def views(self, epoch: int, index: int, count: int) -> tuple:
        """The clip ``count`` times: a recording sounds in one way."""
        return (self.clip(epoch, index),) * count


class MixedClips:
    """Clips that are mixed anew in every epoch.

    Args:
        simulated: the simulator. stems: hand over the stems too.
    """

    def __init__(self, simulated: SimulatedClips, stems: bool = False):
        self.simulated, self.stems = simulated, stems
        self.sample_rate = simulated.description.sample_rate

    def __len__(self):
        return len(self.simulated)

    def clip(self, epoch: int, index: int, view: int = 0) -> LoadedClip:
        """The clip ``index`` of ``epoch`` as ``view`` hears it."""
        made, description = self.simulated.item(epoch, index, view), self.simulated.description
        found = {label for _, _, label in made.rows}
        stems = origins = None
        if self.stems:
            stems, origins = _by_class(zip(made.infos, made.stems)), origins_of(made.infos)
        return LoadedClip(
            f"epoch{epoch}_{index}",
            made.mixture,
            description.sample_rate,
            tuple(made.rows) if description.labels == "strong" else None,
            tuple(sorted(found)) if description.labels == "weak" else None,
            stems,
            description.domain == "synthetic",
            origins,
        )

    def views(self, epoch: int, index: int, count: int) -> tuple:
        """The clip in ``count`` ways: events and timing are the same, all else is drawn anew."""
        return tuple(self.clip(epoch, index, view) for view in range(count))


def _by_class(stems) -> dict:
    """``(what it is, waveform)`` pairs -> one waveform per class, "" for the background.

    A sound without a label is a source of its own (FUSS knows no classes); its key, a number, is no class's name.
    """
    sums = {}
    for number, (info, waveform) in enumerate(stems):
        name = "" if info.role == "background" else info.label or number
        sums[name] = sums[name] + waveform if name in sums else waveform
    return sums


def origins_of(infos) -> dict:
    """What stems are -> class -> the original recordings of its events."""
    origins = {}
    for info in infos:
        if info.role == "foreground" and info.label:
            origins.setdefault(info.label, set()).add(info.source)
    return origins
