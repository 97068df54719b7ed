"""One target under atheris, which looks at what of the exporter each input reaches: `TARGET`, then libFuzzer's options.

It runs in a process of its own, as libFuzzer ends it; `tests.fuzz` starts it.
"""

import os
import sys

import atheris

with atheris.instrument_imports(include=["frs_exporter"]):
    from tests.fuzz.configs import ENVIRONMENT
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer has enough."""
    os.environ.update(ENVIRONMENT)
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
