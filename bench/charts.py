"""`python -m bench.charts`: a chart of each comparison in `bench/results.json`, as PNG under `docs/bench/`.

A row's name is `what, to another`: the rows of one `what` are one chart. Where it is measured among so many
tenants, they are its axis; what was watched over time is drawn over time.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import results

FOLDER = results.FILE.parent.parent / "docs" / "bench"
OURS, THEIRS, BUDGET, GRID = "#1f6feb", "#b6bcc6", "#b42318", "#eaeef2"
LINES = ("#57606a", "#5b8c5a", "#c77d0a", "#8a4fbf", "#b42318")
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
    return files


def described(document: dict[str, Any]) -> str:
    """The machine, what ran on it, and when."""
    machine, versions = document["machine"], document["versions"]
    return (
        f"{machine['processors']} processors, {machine['architecture']}, {machine['system']}, load up to "
        f"{machine['load']}; {document['date']}\n"
        + ", ".join(f"{name} {number}" for name, number in versions.items())
    )


def slug(subject: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", subject.lower().replace("'", "")).strip("-")


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
    figure = Figure(figsize=(8.6, height))
    axes = figure.subplots()
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
    unit = rows[0]["unit"]
    names = ["Pulse", *(row["name"].rpartition(", to ")[2] for row in rows)]
    values = [rows[0]["ours"], *(row["against"] for row in rows)]
    figure, axes = titled(subject, 1.7 + 0.5 * len(names))
    axes.barh(names, values, color=[OURS, *(THEIRS for _ in rows)], height=0.6)
    axes.invert_yaxis()
    if {row["unit"] for row in rows} != {unit}:
        raise ValueError(f"{subject}: the rows of one chart are in different units")
    most, least = max(values), min(values)
    if most / least > LOGARITHMIC_FROM:
        axes.set_xscale("log")
        axes.set_xlim(least / 3, most * (most / least) ** 0.7)
    else:
        axes.set_xlim(0, most * 1.6)
    axes.xaxis.set_major_formatter(plain)
    lowest = axes.get_xlim()[0]
    axes.set_xticks([tick for tick in axes.get_xticks() if lowest <= tick <= most * 1.5])
    axes.minorticks_off()
    beside(axes, values[0], 0, shown(values[0], unit))
    for place, row in enumerate(rows, start=1):
        colour = BUDGET if row["within"] is False else "black"
        beside(axes, row["against"], place, f"{shown(row['against'], unit)}   {ratio_of(row)}", color=colour)
    axes.set_xlabel(axis_label(unit, axes.get_xscale()))
    axes.grid(axis="x", color=GRID)
    return finished(figure)


def beside(axes: Axes, value: float, place: int, text: str, color: str = "black") -> None:
    axes.annotate(
        text, (value, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9, color=color
    )


def ratio_of(row: Row) -> str:
    """Ours divided by this, as in the table."""
    budget = "" if row["budget"] is None else f", budget {row['budget']:.3g}"
    return f"(ratio {row['ratio']:.3g}{budget})"


def plain(value: float, place: float = 0) -> str:
    return f"{value:,.10g}"


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
    figure, axes = titled(subject.replace(" among tenants", ", by the tenants in rotation"), 5)
    sizes = sorted(series["Pulse"])
    slowest_first = sorted(series.items(), key=lambda one: -one[1][sizes[-1]])
    for name, values in slowest_first:
        colour = OURS if name == "Pulse" else LINES[list(series).index(name) % len(LINES)]
        axes.plot(sizes, [values[size] for size in sizes], marker="o", color=colour, label=name)
        for size in sizes:
            lowest = values[size] == min(other[size] for other in series.values())
            axes.annotate(
                shown(values[size], rows[0]["unit"]), (size, values[size]), fontsize=8, color=colour,
                xytext=(0, -13 if lowest else 6), textcoords="offset points", ha="center",
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(plain)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.margins(x=0.08, y=0.12)
    axes.set_xlabel("tenants in the process's rotation, of 10,000; logarithmic")
    axes.set_ylabel(axis_label(rows[0]["unit"], "log"))
    axes.grid(color=GRID)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return finished(figure)


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
    axes.grid(color=GRID)
    return finished(figure)


if __name__ == "__main__":
    main()
