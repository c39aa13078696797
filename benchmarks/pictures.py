"""The scaling curves as a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.rows import ALL, OURS
from benchmarks.scaling import Curve

_COLOURS = dict(zip(ALL, ("#0043ce", "#fa4d56", "#198038", "#8a3ffc", "#878d96"), strict=True))


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Wall times (solid) and CPU times (dotted) over size, both logarithmic; qubits stay linear."""
    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(10, 3.6 * rows), layout="constrained")
    places = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, curve in zip(places, curves, strict=False):
        _panel(axes, curve)
    for axes in places[len(curves) :]:
        axes.set_axis_off()
    named = {
        label: handle
        for axes in places
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }  # fmt: skip
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named))
    figure.savefig(path, dpi=110)


def _panel(axes: Axes, curve: Curve) -> None:
    for name in (name for name in ALL if name in curve.points):
        sizes, wall, cpu = np.array(curve.points[name]).T
        width = 2.2 if name == OURS else 1.2
        axes.plot(sizes, wall, "o-", color=_COLOURS[name], label=name, linewidth=width, markersize=3)
        axes.plot(sizes, cpu, ":", color=_COLOURS[name], linewidth=width)
    axes.set_yscale("log")
    if curve.linear and OURS in curve.points:
        axes.set_xscale("log")
        sizes, wall, _ = np.array(curve.points[OURS]).T
        axes.plot(sizes, wall[-1] * sizes / sizes[-1], "--", color="black", linewidth=0.8, label="linear")
        axes.set_ylim(bottom=wall.min() / 3)
    axes.set_title(curve.title, fontsize="medium")
    axes.set_xlabel(curve.axis)
    axes.set_ylabel("ms (solid: wall, dotted: CPU)")
    axes.grid(visible=True, alpha=0.3)
