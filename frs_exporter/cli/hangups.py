"""SIGHUP that comes before there is anything to reload: it does not end the process, and is made up for later."""

import signal
from collections.abc import Sequence


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
