"""YAML files that are held to a schema, with errors that name the file and the line."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from runbooks.errors import InvalidDocument

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and on which line each part of it stands."""

    file: Path
    content: Any
    lines: dict[Where, int]

    def wrong(self, where: Where, message: str) -> InvalidDocument:
        """The error at the line of a part, or of the nearest that is around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return _wrong(self.file, self.lines.get(where, 1), message)


def load(file: Path, validator: Draft202012Validator) -> Document:
    """Raises `InvalidDocument`."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _wrong(file, line, error.problem or "this is not YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _wrong(file, 1, f"it cannot be read: {error}") from error
    builder = _Builder(file)
    try:
        document = Document(file, builder.build(node, ()), builder.lines)
    except RecursionError as error:
        raise _wrong(file, 1, "a part of it contains itself") from error
    if violation := best_match(validator.iter_errors(document.content)):
        raise document.wrong(*_explain(violation))
    return document


def _wrong(file: Path, line: int, message: str) -> InvalidDocument:
    return InvalidDocument(f"{file}:{line}: {message}", file=str(file), line=line)


@dataclass(slots=True)
class _Builder:
    """Builds what the nodes mean and notes their lines; no key stands twice."""

    file: Path
    lines: dict[Where, int] = field(default_factory=dict)
    scalars: yaml.SafeLoader = field(default_factory=lambda: yaml.SafeLoader(""))

    def build(self, node: yaml.Node | None, where: Where) -> Any:
        if node is None:
            return None
        self.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*where, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        return self.scalars.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[Hashable, Any]:
        built: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in built:
                raise _wrong(self.file, line, f"the field {key!r} stands here for the second time")
            self.lines[(*where, key)] = line
            built[key] = self.build(value_node, (*where, key))
        return built


def _explain(error: ValidationError) -> tuple[Where, str]:
    where: Where = tuple(error.absolute_path)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        instance: Any = error.instance
        unknown = next(key for key in instance if key not in known)
        return (*where, unknown), f"unknown field {unknown!r} in {place or 'the file'}"
    return where, f"{place or 'the file'}: {error.message}"
