"""What only the collector of garbage lets go of, as it holds itself."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def only_by_hand() -> Iterator[Callable[[], set[str]]]:
    """No garbage is collected but when it is asked of what there is any: types, and where there are frames of them.

    That of `gc.disable()` would not last: whatever is computed in a thread ends with `gc.enable()`.
    """

    def found() -> set[str]:
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
        finally:
            gc.set_debug(0)
        names = set(map(name_of, gc.garbage))
        gc.garbage.clear()
        return names

    usual, callbacks = gc.get_threshold(), gc.callbacks[:]
    gc.callbacks.clear()  # a daemon that another test has had in this process may have left one that freezes objects
    gc.collect()
    gc.set_threshold(0)
    try:
        yield found
    finally:
        gc.set_threshold(*usual)
        gc.callbacks[:] = callbacks


def name_of(each: object) -> str:
    """The module and the name of an object's type; of a frame, of what it is one."""
    if isinstance(each, FrameType):
        return f"{each.f_globals.get('__name__')}.{each.f_code.co_name}"
    return f"{type(each).__module__}.{type(each).__qualname__}"
