"""Times as the pages have them, by UTC (pure)."""

from datetime import UTC, datetime


def put(seconds: float, form: str) -> str:
    """A time in Unix seconds in some form; one that no calendar has is a question mark."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "?"


def day_and_time(seconds: float) -> str:
    """A time to the second."""
    return put(seconds, "%Y-%m-%d %H:%M:%S")


def time_of_day(seconds: float) -> str:
    """A time of a day that is known, to the second."""
    return put(seconds, "%H:%M:%S")


def hour_of_day(seconds: float) -> str:
    """A time of a day that is known, to the minute."""
    return put(seconds, "%H:%M")
