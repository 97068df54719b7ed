"""The end of the process, whatever still computes, waits, or does not read."""

import contextlib
import os
import sys
import threading

from frs_exporter.runtime.offload import threads_remain

SAY_WITHIN = 1.0
"""Seconds that whoever reads standard output and standard error has for what is said there beside the log."""


def hard_exit(code: object, last_words: str = "") -> None:
    """Say the last words on standard error, and end the process at once if a thread still computes or waits.

    An interpreter that ends under foreign code aborts, and one that waits for a reader may wait for ever.
    """

    def say() -> None:
        for stream, text in ((sys.stderr, last_words), (sys.stdout, "")):
            with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, it is full, or closed
                stream.write(text)
                stream.flush()

    speaker = threading.Thread(target=say, name="last words", daemon=True)
    speaker.start()
    speaker.join(SAY_WITHIN)
    if threads_remain():
        os._exit(code if isinstance(code, int) else 0)
