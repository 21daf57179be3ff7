"""The pictures of docs/performance.md."""

import statistics

import matplotlib
from matplotlib import pyplot

from deletion import CLIENTS, STORES
from figures import quartiles
from http_path import CELLS, LIMIT, SUBJECTS, counterpart

matplotlib.use("svg")
# The same figures give the same file, whenever and wherever it is drawn.
matplotlib.rcParams.update(
    {"svg.hashsalt": "performance", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True}
)

RATES = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


def draw(figures, folder):
    """Draws all of them into a folder."""
    folder.mkdir(exist_ok=True)
    for name, picture in {"http": http, "deletion": deletion, "growth": growth}.items():
        drawn = picture(figures)
        drawn.savefig(folder / f"{name}.svg", metadata={"Date": None})
        pyplot.close(drawn)


def http(figures):
    drawn, axes = pyplot.subplots(1, len(CELLS), figsize=(10, 3), sharey=True, layout="constrained")
    for axis, cell in zip(axes, CELLS):
        ratios = [
            figures.ratios((*cell, subject), (*cell, counterpart(LIMIT, subject)), "rate") for subject in SUBJECTS
        ]
        bars(axis, list(SUBJECTS), ratios)
        axis.set_title("{1}, {2}".format(*cell))
    # The axis of all.
    axes[0].invert_yaxis()
    drawn.supxlabel("rate, of bare hyper's, with so many connections")
    return drawn


def bars(axis, names, values):
    """Medians as bars, with what lies between the quartiles as a line."""
    medians = [statistics.median(of) for of in values]
    lows, highs = zip(*map(quartiles, values))
    errors = [
        [median - low for median, low in zip(medians, lows)],
        [high - median for median, high in zip(medians, highs)],
    ]
    colours = ["tab:gray" if "hyper" in name else "tab:blue" if "ours" in name else "tab:orange" for name in names]
    axis.barh([name.replace("`", "") for name in names], medians, xerr=errors, color=colours, ecolor="black", capsize=2)
    axis.grid(axis="x", alpha=0.4)


def deletion(figures):
    drawn, axis = pyplot.subplots(figsize=(6, 3), layout="constrained")
    for name in STORES:
        rates = [figures.of("deletion", name, str(clients), name="rate") for clients in CLIENTS]
        line(axis, CLIENTS, rates, name.replace("`", ""))
    axis.set(xscale="log", yscale="log", xlabel="clients", ylabel="deletions a second")
    axis.set_xticks(CLIENTS, [str(clients) for clients in CLIENTS])
    axis.set_yticks(RATES, [f"{rate:,}" for rate in RATES])
    axis.minorticks_off()
    axis.legend()
    axis.grid(alpha=0.4)
    return drawn


def growth(figures):
    shown = {
        "start": ("seconds to open", 1), "memory": ("MB of memory", 1e6), "size": ("MB of file", 1e6),
        "rate": ("deletions a second", 1),
    }  # fmt: skip
    tokens = figures.growth()
    drawn, axes = pyplot.subplots(1, len(shown), figsize=(10, 2.6), layout="constrained")
    for axis, (name, (title, unit)) in zip(axes, shown.items()):
        values = [[value / unit for value in figures.of("growth", str(count), name=name)] for count in tokens]
        line(axis, tokens, values, title)
        axis.set(xscale="log", title=title, ylim=(0, None))
        axis.grid(alpha=0.4)
    drawn.supxlabel("tokens")
    return drawn


def line(axis, places, values, label):
    """Medians as a line, in what lies between the quartiles."""
    medians = [statistics.median(of) for of in values]
    axis.plot(places, medians, marker="o", markersize=3, label=label)
    axis.fill_between(places, *zip(*map(quartiles, values)), alpha=0.2)
