"""Every log line, libraries' included, goes through one pipeline to standard error."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor

from frs_exporter.redact import redacted


def log_to_stderr(level: str, format: str, count: Callable[[str], None]) -> None:
    """Write all lines from `level` on as `logfmt` or `json`; `count` is told the level of each line written."""

    def counted(_logger: Any, _method: str, event: EventDict) -> EventDict:
        count(event["level"])
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        counted,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=["ts", "level", "msg"], drop_missing=True, bool_as_flag=False
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(not_a_clients_mistake)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, redact_event],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_traceback,
                structlog.processors.EventRenamer("msg"),
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def redact_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blank out secrets in what a library says: asyncio quotes exceptions."""
    event["event"] = "\n".join(redacted(line) for line in str(event["event"]).splitlines())
    return event


def redact_traceback(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blank out secrets in a traceback: the text of an exception may quote whatever it was about."""
    if "exception" in event:
        event["exception"] = "\n".join(redacted(line) for line in event["exception"].splitlines())
    return event


def not_a_clients_mistake(record: logging.LogRecord) -> bool:
    """Keep out what aiohttp logs, traceback and all, when somebody sends what is not HTTP: they get their 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
