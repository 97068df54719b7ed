"""What signals do before there is a loop: SIGHUP is made up for later, SIGTERM ends the process at once."""

import signal
import sys
from collections.abc import Sequence

ENDED_BY = {signal.SIGINT: 130, signal.SIGTERM: 143}
"""Exit codes of what a signal has ended before it was through, as shells have them."""


def end_on_sigterm(code: int = ENDED_BY[signal.SIGTERM]) -> None:
    """End by SystemExit with a code from now on, 0 for what runs until it is stopped.

    The first process of a container would not even hear SIGTERM otherwise.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))


def serves(arguments: Sequence[str]) -> bool:
    """Whether the command is `serve`, by its name or as none is named."""
    return not arguments or arguments[0] == "serve" or arguments[0].startswith("-")


class EarlyHangups:
    """Remembers whether SIGHUP has come since it was put in place."""

    def __init__(self) -> None:
        self.received = False

    def install(self) -> None:
        """Handle SIGHUP from now on; systems without it send none."""
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._handle)

    def _handle(self, *_: object) -> None:
        self.received = True
