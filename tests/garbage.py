"""What only the collector of garbage lets go of, as it holds itself."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def only_by_hand() -> Iterator[Callable[[], set[str]]]:
    """No garbage is collected but when it is asked of which types there is any."""

    def found() -> set[str]:
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        names = {f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage}
        gc.garbage.clear()
        return names

    gc.collect()
    gc.disable()
    try:
        yield found
    finally:
        gc.enable()
