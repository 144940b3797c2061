"""`python -m bench.charts`: a chart of each comparison in `bench/results.json`, as PNG under `docs/bench/`.

A row's name is `what, to another`: the rows of one `what` are one chart. Where it is measured among so many
tenants, they are its axis; what was watched over time is drawn over time.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import results

FOLDER = results.FILE.parent.parent / "docs" / "bench"
OURS, THEIRS, BUDGET = "#1f6feb", "#b6bcc6", "#b42318"
LINES = ("#1f6feb", "#5b8c5a", "#c77d0a", "#8a4fbf", "#b42318", "#57606a")
AMONG = re.compile(r"(?P<subject>.+) among (?P<tenants>[\d,]+) tenants")
# From this ratio on, the smaller bar of a linear axis can no longer be read.
LOGARITHMIC_FROM = 12

Row = dict[str, Any]


def main() -> None:
    for file in draw(json.loads(results.FILE.read_text()), into=FOLDER):
        print(file)


def draw(document: dict[str, Any], *, into: Path) -> list[Path]:
    """The charts' files, in the place of those that were there."""
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.png"):
        old.unlink()
    files = []
    for subject, figure in drawn(document["results"]):
        figure.text(0.01, 0.01, described(document), fontsize=7, color="#57606a", va="bottom")
        files.append(into / f"{slug(subject)}.png")
        figure.savefig(files[-1], dpi=130, facecolor="white")
        pyplot.close(figure)
    return files


def described(document: dict[str, Any]) -> str:
    """The machine, what ran on it, and when."""
    machine, versions = document["machine"], document["versions"]
    return (
        f"{machine['processors']} processors, {machine['architecture']}, {machine['system']}, load before "
        f"{machine['load']}; {document['date']}\n"
        + ", ".join(f"{name} {number}" for name, number in versions.items())
    )


def slug(subject: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")


def drawn(rows: list[Row]) -> list[tuple[str, Figure]]:
    """The charts in the order of their first rows."""
    subjects: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        what = row["name"].rpartition(", to ")[0]
        among = AMONG.fullmatch(what)
        subjects[among["subject"] + " among tenants" if among else what].append(row)
    return [(subject, chart_of(subject, found)) for subject, found in subjects.items()]


def chart_of(subject: str, rows: list[Row]) -> Figure:
    if "points" in rows[0]:
        return over_time(subject, rows[0])
    if AMONG.search(rows[0]["name"]):
        return over_tenants(subject, rows)
    return as_bars(subject, rows)


def titled(subject: str, height: float) -> tuple[Figure, Axes]:
    figure, axes = pyplot.subplots(figsize=(8.6, height))
    axes.set_title(subject[0].upper() + subject[1:], loc="left", fontsize=12, fontweight="bold", pad=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def finished(figure: Figure) -> Figure:
    """Leave the lower half inch to the footer."""
    figure.tight_layout(rect=(0, 0.48 / figure.get_figheight(), 1, 1))
    return figure


def as_bars(subject: str, rows: list[Row]) -> Figure:
    """Ours above the others. Its own figure differs a little from run to run; the first is drawn."""
    ours, unit = rows[0]["ours"], rows[0]["unit"]
    bars = [("Pulse", ours, OURS)]
    bars += [(row["name"].rpartition(", to ")[2], row["against"], THEIRS) for row in rows]
    figure, axes = titled(subject, 1.7 + 0.5 * len(bars))
    names, values, colours = zip(*bars, strict=True)
    axes.barh(names, values, color=colours, height=0.6)
    axes.invert_yaxis()
    most, least = max(values), min(values)
    if most / least > LOGARITHMIC_FROM:
        axes.set_xscale("log")
        axes.set_xlim(least / 3, most * 12)
    else:
        axes.set_xlim(0, most * 1.45)
    labels = [shown(ours, unit)]
    labels += [f"{shown(row['against'], unit)}   (Pulse takes {row['ratio']:.3g} of it)" for row in rows]
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        axes.annotate(label, (value, place), xytext=(5, 0), textcoords="offset points", va="center")
    for row in rows:
        if row["budget"] is not None and row["against"] * row["budget"] < axes.get_xlim()[1]:
            mark_budget(axes, row, len(bars))
    axes.set_xlabel(axis_label(unit, axes.get_xscale()))
    axes.grid(axis="x", color="#eaeef2")
    return finished(figure)


def mark_budget(axes: Axes, row: Row, bars: int) -> None:
    """A dashed line that Pulse's bar may reach, and no further."""
    most = row["against"] * row["budget"]
    axes.plot([most, most], [-0.45, 0.45], color=BUDGET, linestyle="--", linewidth=1.5)
    axes.annotate(
        "budget", (most, -0.45), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
        fontsize=8, color=BUDGET,
    )  # fmt: skip


def axis_label(unit: str, scale: str) -> str:
    known = {"µs": "microseconds, median", "a second": "a second (more is better), median"}
    label = known.get(unit, unit)
    return f"{label}; logarithmic" if scale == "log" else label


def shown(value: float, unit: str) -> str:
    if unit == "µs" and value >= 10_000:
        value, unit = value / 1000, "ms"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.3g} {unit}"


def over_tenants(subject: str, rows: list[Row]) -> Figure:
    """Ours and each contender, by how many tenants the process works for in turn."""
    series: dict[str, dict[int, float]] = {"Pulse": {}}
    for row in rows:
        what, _, other = row["name"].rpartition(", to ")
        tenants = int(AMONG.fullmatch(what)["tenants"].replace(",", ""))  # type: ignore[index]
        series["Pulse"][tenants] = row["ours"]
        series.setdefault(other, {})[tenants] = row["against"]
    figure, axes = titled(subject, 4.8)
    for colour, (name, values) in zip(LINES, series.items(), strict=False):
        draw_line(axes, name, values, colour, rows[0]["unit"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes = sorted(series["Pulse"])
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] / 1.6, sizes[-1] * 30)
    axes.set_xlabel("tenants in the process's rotation, of 10,000; logarithmic")
    axes.set_ylabel(axis_label(rows[0]["unit"], "log"))
    axes.grid(color="#eaeef2")
    return finished(figure)


def draw_line(axes: Axes, name: str, values: dict[int, float], colour: str, unit: str) -> None:
    sizes = sorted(values)
    axes.plot(sizes, [values[size] for size in sizes], marker="o", color=colour)
    for size in sizes:
        axes.annotate(
            shown(values[size], unit), (size, values[size]), xytext=(0, 6),
            textcoords="offset points", ha="center", fontsize=8, color=colour,
        )  # fmt: skip
    axes.annotate(
        name, (sizes[-1], values[sizes[-1]]), xytext=(28, 0), textcoords="offset points", va="center",
        color=colour, fontweight="bold" if name == "Pulse" else "normal",
    )  # fmt: skip


def over_time(subject: str, row: Row) -> Figure:
    figure, axes = titled(subject, 3.8)
    seconds, values = zip(*row["points"], strict=True)
    axes.plot(seconds, values, color=OURS)
    axes.set_xlabel("seconds")
    axes.set_ylabel(row["unit"])
    most = row["against"] * row["budget"]
    axes.axhline(most, color=BUDGET, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"budget {shown(most, row['unit'])}", (seconds[-1], most), xytext=(0, 3),
        textcoords="offset points", ha="right", color=BUDGET, fontsize=8,
    )  # fmt: skip
    axes.set_ylim(0, max(most, *values) * 1.15)
    axes.grid(color="#eaeef2")
    return finished(figure)


if __name__ == "__main__":
    main()
