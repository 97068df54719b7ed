"""Where the program starts: what signals do is settled first, as it takes a while to import the rest."""

import signal
import sys
from importlib import import_module

from frs_exporter.cli.hangups import EarlyHangups, serves


def main() -> None:
    """The console script; raises SystemExit. Before there is a loop to stop, SIGTERM just ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    early = EarlyHangups()
    if serves(sys.argv[1:]):
        early.install()
    try:
        import_module("frs_exporter.cli.main").main(early)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
