"""Every log line, libraries' included, goes through one pipeline to standard error."""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from frs_exporter.core.redact import redacted
from frs_exporter.runtime.imports import hidden
from frs_exporter.runtime.log_writer import LogWriter

with hidden("rich"):  # a log here has no coloured tracebacks, for which structlog imports it where it is installed
    import structlog
    from structlog.typing import EventDict, Processor


def log_to_stderr(
    level: str,
    format: str,
    count: Callable[[str], None] = lambda level: None,
    count_dropped: Callable[[int], None] = lambda lines: None,
) -> None:
    """Write all lines from `level` on as `logfmt` or `json`, never waiting for whoever reads them.

    `count` is told the level of each line, `count_dropped` how many lines were dropped as nobody read them.
    """

    def counted(_logger: Any, _method: str, event: EventDict) -> EventDict:
        count(event["level"])
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        counted,
    ]
    rendering = rendering_as(format)

    def rendered(level: str, event: str, fields: EventDict) -> str:
        entry: Any = {"event": event, **fields}
        for processor in (*shared, *rendering):
            entry = processor(None, level, entry)
        return str(entry)

    own = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering]
    handler = LogHandler(rendered, count_dropped)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared, redact_event], processors=own))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def rendering_as(format: str) -> list[Processor]:
    """What makes a line of an event."""
    logfmt = structlog.processors.LogfmtRenderer(
        key_order=["ts", "level", "msg"], drop_missing=True, bool_as_flag=False
    )
    return [
        structlog.processors.format_exc_info,
        redact_traceback,
        structlog.processors.EventRenamer("msg"),
        structlog.processors.JSONRenderer(ensure_ascii=False) if format == "json" else logfmt,
    ]


class LogHandler(logging.Handler):
    """Makes lines at once, so that no secret waits in what they are made of, and hands them to the writer.

    `rendered` makes a line of a level, an event and fields.
    """

    def __init__(self, rendered: Callable[[str, str, EventDict], str], count_dropped: Callable[[int], None]) -> None:
        super().__init__()
        self._rendered = rendered
        self._encoding = sys.stderr.encoding if sys.stderr else "utf-8"
        self._writer = LogWriter(standard_error(), count_dropped, self._dropped)

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and never writes: what logging does itself of a library's mistake may wait for ever."""
        try:
            line = self.format(record)
        except Exception:
            where = f"{record.pathname}:{record.lineno}"
            line = self._rendered("error", "log line not formatted", {"where": where, "exc_info": sys.exc_info()})
        self._writer.put(self._encoded(line))

    def close(self) -> None:
        """Write what is left, as far as somebody reads it."""
        self._writer.close()
        super().close()

    def _dropped(self, lines: int) -> bytes:
        return self._encoded(self._rendered("warning", "log lines dropped", {"lines": lines}))

    def _encoded(self, line: str) -> bytes:
        return f"{line}\n".encode(self._encoding, "backslashreplace")


def standard_error() -> int:
    """Its file descriptor; where there is none, that of nowhere: its number may be some other file's by now."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return sys.stderr.fileno()
    return os.open(os.devnull, os.O_WRONLY)


@contextlib.contextmanager
def log_written_out() -> Iterator[None]:
    """However this ends, what was logged is written before anything else is said of it."""
    try:
        yield
    finally:
        for handler in logging.root.handlers:
            if isinstance(handler, LogHandler):
                handler.close()


def redact_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blank out secrets in what a library says: asyncio quotes exceptions."""
    event["event"] = redacted_lines(str(event["event"]))
    return event


def redact_traceback(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blank out secrets in a traceback: the text of an exception may quote whatever it was about."""
    if "exception" in event:
        event["exception"] = redacted_lines(event["exception"])
    return event


def redacted_lines(text: str) -> str:
    """A text with everything that looks like a secret blanked out, line by line."""
    return "\n".join(redacted(line) for line in text.splitlines())


def crash_report() -> str:
    """The traceback of the exception that is being handled, without secrets."""
    return f"{redacted_lines(traceback.format_exc())}\n"
