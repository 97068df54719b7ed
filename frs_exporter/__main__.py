"""Where the program starts: what signals do is settled first, as it takes a while to import the rest."""

import gc
import signal
import sys
from importlib import import_module

from frs_exporter.cli.early_signals import ENDED_BY, EarlyHangups, end_on_sigterm, serves


def main() -> None:
    """The console script; raises SystemExit."""
    end_on_sigterm()
    early = EarlyHangups()
    if serves(sys.argv[1:]):
        early.install()
    try:
        import_module("frs_exporter.cli.main").main(early)
    except KeyboardInterrupt:
        sys.exit(ENDED_BY[signal.SIGINT])
    finally:
        gc.freeze()  # the last collection would take 0.1 s to free what ends with the process anyway


if __name__ == "__main__":
    main()
