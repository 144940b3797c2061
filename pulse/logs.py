"""Structured logs: one JSON object a line, with the request id, without secrets or e-mail addresses."""

import logging
import re
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# The last four are the parts of paths by which a mailed link lets somebody in.
SECRET = re.compile(
    r"pulse_[A-Za-z0-9_-]{8,}|(?<=Bearer )\S+|whsec_\S+|(?:sk|rk)_(?:live|test)_\S+"
    r"|(?:(?<=/password/reset/key/)|(?<=/confirm-email/)|(?<=/invitation/)|(?<=/signup/))[^/\s?]{16,}"
)
# The characters of an unquoted local part, but for those that stand between things in paths and queries.
EMAIL = re.compile(r"[\w.!#$%&'*+^`{|}~-]+@[\w-]+(?:\.[\w-]+)*")


def scrub(text: str) -> str:
    """`text` with tokens, keys and e-mail addresses replaced."""
    return EMAIL.sub("[email]", SECRET.sub("[secret]", text))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor that scrubs every text of the event, tracebacks and nested values included."""
    return {key: _scrubbed(value) for key, value in event.items()}


def _scrubbed(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_scrubbed(name): _scrubbed(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(inner) for inner in value]
        case _:
            return scrub(str(value))


def formatter() -> logging.Formatter:
    """The formatter of the `console` handler, for structlog's and the standard library's records alike."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )


def configure() -> None:
    """Send structlog's events through the standard library, so that one handler writes them all."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
