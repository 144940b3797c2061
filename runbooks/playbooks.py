"""Playbooks: Markdown files that say what to do when something went wrong, read and checked whole.

A file has front matter (YAML) and, under the headings of `SECTIONS`, numbered steps. What a step needs stands
in a list below it: `Command: …`, `Button: …`, or `Decide: …` for what a person has to make up their mind on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from runbooks.errors import UnknownPlaybook
from runbooks.models import Severity

FOLDER = Path(__file__).with_name("playbooks")
SECTIONS = ("Immediate actions", "Investigation", "Resolution")
CLOCKS = ("acknowledge", "contain", "resolve", "review")
UNITS = {"min": "minutes", "h": "hours"}
KEYS = {"id", "title", "severity", "clocks", "alerts", "drills"}
FENCE = "---\n"


class PlaybookInvalid(Exception):
    """Says which file and line is wrong, and how."""

    def __init__(self, file: Path, line: int, fault: str) -> None:
        super().__init__(f"{file}:{line}: {fault}")


@dataclass(frozen=True, slots=True)
class Step:
    """`text` is Markdown; commands have `{organizations}` and `{incident}` to be filled in."""

    section: str
    text: str
    commands: tuple[str, ...]
    button: str
    decision: str
    line: int


@dataclass(frozen=True, slots=True)
class Playbook:
    """`clocks` count from the opening of an incident of the playbook's own severity."""

    id: str
    title: str
    severity: str
    clocks: Mapping[str, timedelta]
    alerts: tuple[str, ...]
    drills: tuple[str, ...]
    steps: tuple[Step, ...]
    body: str
    file: Path


def everything() -> dict[str, Playbook]:
    """The playbooks that ship, by id, the most severe first. Raises `PlaybookInvalid`."""
    return _loaded(FOLDER)


@cache
def _loaded(folder: Path) -> dict[str, Playbook]:
    found = [read(file) for file in sorted(folder.glob("*.md"))]
    return {playbook.id: playbook for playbook in sorted(found, key=lambda one: (one.severity, one.id))}


def named(playbook: str) -> Playbook:
    """Raises `UnknownPlaybook`."""
    try:
        return everything()[playbook]
    except KeyError:
        raise UnknownPlaybook from None


def of_drill(drill: str) -> Playbook | None:
    """The one that names the drill."""
    return next((playbook for playbook in everything().values() if drill in playbook.drills), None)


def of_severity(severity: str) -> Playbook:
    """The one to follow when nothing but the severity is known."""
    return next(playbook for playbook in everything().values() if playbook.severity == severity)


def clocks_of(playbook: str, severity: str) -> Mapping[str, timedelta]:
    """The playbook's own times at its own severity; else those of the severity."""
    own = everything().get(playbook)
    return own.clocks if own and own.severity == severity else of_severity(severity).clocks


def read(file: Path) -> Playbook:
    """The playbook in the file. Raises `PlaybookInvalid`."""
    matter, body, first_line = _parts(file)
    known = _front_matter(file, matter)
    return Playbook(
        id=known["id"],
        title=known["title"],
        severity=known["severity"],
        clocks=known["clocks"],
        alerts=tuple(known.get("alerts", ())),
        drills=tuple(known.get("drills", ())),
        steps=tuple(_steps(file, body, first_line)),
        body=body,
        file=file,
    )


def render(text: str) -> str:
    """The Markdown as HTML. HTML within it is shown as text, and links lead nowhere but to the web."""
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def _parts(file: Path) -> tuple[str, str, int]:
    """The front matter, the body, and the line of the file on which the body begins, from 0."""
    text = file.read_text()
    if not text.startswith(FENCE) or (end := text.find("\n" + FENCE, len(FENCE) - 1)) < 0:
        raise PlaybookInvalid(file, 1, "front matter between two lines of --- is missing")
    matter = text[len(FENCE) : end + 1]
    body = text[end + 1 + len(FENCE) :]
    return matter, body, matter.count("\n") + 2


def _front_matter(file: Path, matter: str) -> dict[str, Any]:
    lines = _lines_of_keys(file, matter)
    known = yaml.safe_load(matter)
    if unknown := set(known) - KEYS:
        raise PlaybookInvalid(file, lines[min(unknown)], f"unknown key {min(unknown)}")
    if missing := KEYS - {"alerts", "drills"} - set(known):
        raise PlaybookInvalid(file, 1, f"the key {min(missing)} is missing")
    if known["id"] != file.stem:
        raise PlaybookInvalid(file, lines["id"], "the id is not the file's name")
    if known["severity"] not in Severity.values:
        raise PlaybookInvalid(file, lines["severity"], f"{known['severity']} is no severity")
    for key in ("alerts", "drills"):
        if not all(isinstance(name, str) for name in known.get(key, [])):
            raise PlaybookInvalid(file, lines[key], f"{key} are names")
    try:
        clocks = {name: _time(text) for name, text in known["clocks"].items()}
    except (ValueError, KeyError, AttributeError):
        raise PlaybookInvalid(file, lines["clocks"], "a time is written as 15 min or 4 h") from None
    if not set(clocks) <= set(CLOCKS) or "acknowledge" not in clocks:
        raise PlaybookInvalid(file, lines["clocks"], f"clocks are {', '.join(CLOCKS)}, the first one always")
    return {**known, "clocks": clocks}


def _lines_of_keys(file: Path, matter: str) -> dict[str, int]:
    try:
        node = yaml.compose(matter, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise PlaybookInvalid(file, line + 2, f"{error.problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise PlaybookInvalid(file, 1, "the front matter is no mapping")
    return {str(key.value): key.start_mark.line + 2 for key, _ in node.value}


def _time(text: str) -> timedelta:
    """Of `15 min` or `4 h`."""
    number, unit = str(text).split()
    return timedelta(**{UNITS[unit]: int(number)})


def _steps(file: Path, body: str, first_line: int) -> Iterator[Step]:
    """Every item of the numbered lists, in order, under the headings that a playbook has."""
    tokens = MarkdownIt("commonmark").parse(body)
    lines = body.splitlines()
    section, met = "", []
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            section = tokens[index + 1].content
            if section not in SECTIONS:
                raise PlaybookInvalid(file, _line(token, first_line), f"unknown section {section}")
            met.append(section)
        elif token.type == "list_item_open" and token.level == 1 and token.info:
            yield _step(file, section, token, lines, first_line)
    if tuple(met) != SECTIONS:
        raise PlaybookInvalid(file, first_line + 1, f"its sections are not {', '.join(SECTIONS)}")


def _step(file: Path, section: str, item: Token, lines: list[str], first_line: int) -> Step:
    start, end = item.map or (0, 0)
    text: list[str] = []
    needs: dict[str, list[str]] = {"Command": [], "Button": [], "Decide": []}
    latest: list[str] = text
    for line in lines[start:end]:
        stripped = line.strip()
        kind, colon, rest = stripped.removeprefix("- ").partition(":")
        if stripped.startswith("- ") and colon and kind in needs:
            latest = needs[kind]
            # A decision is Markdown; of a command or a button the marks of code are left out.
            latest.append(rest.strip() if kind == "Decide" else rest.strip().strip("`"))
        elif latest is text:
            text.append(stripped)
        elif stripped:
            latest[-1] += f" {stripped}"
    if not any(needs.values()):
        raise PlaybookInvalid(
            file, _line(item, first_line), "the step has no command or button, and leaves no decision"
        )
    if len(needs["Button"]) > 1:
        raise PlaybookInvalid(file, _line(item, first_line), "a step has one button")
    return Step(
        section=section,
        text=" ".join(text).strip().removeprefix(f"{item.info}{item.markup}").strip(),
        commands=tuple(needs["Command"]),
        button="".join(needs["Button"]),
        decision=" ".join(needs["Decide"]),
        line=_line(item, first_line),
    )


def _line(token: Token, first_line: int) -> int:
    return first_line + (token.map[0] if token.map else 0) + 1
