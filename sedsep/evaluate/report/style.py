"""Style: one look for all pictures, light print on the page of a paper; and how they are written."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from sedsep.errors import UserError
from sedsep.files import writing

WIDTH = 7.2  # inches: both columns of a paper
RC = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "axes.edgecolor": "#808080",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.color": "#808080",
    "ytick.color": "#808080",
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "lines.linewidth": 1.2,
    "savefig.dpi": 180,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}
# Okabe and Ito's colours, which people of all kinds of colour vision tell apart; their yellow is too light for lines.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
REFERENCE = "#4d4d4d"
PALE = "#c4c4c4"


def colours(names) -> dict:
    """A colour for each name, the same again after seven."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def words(label: str) -> str:
    """A label for people."""
    return label.replace("_", " ")


def save(figure, path) -> Path:
    """Write a picture, whole or not at all, in the format of its name. Raises UserError for an unknown one."""
    path = Path(path)
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in ("png", "pdf", "svg"):
        raise UserError(f"{path}: cannot draw a {suffix or 'nameless'!r} file; name it .png, .pdf or .svg")
    FigureCanvasAgg(figure)
    with writing(path) as temporary:
        figure.savefig(temporary, format=suffix)
    return path
