"""Errors without the frames that they came through."""


def let_go_of_frames(error: BaseException) -> None:
    """Have an error, and what led to it, hold none of the frames that it came through; who has dealt with it does this.

    Where a frame knows of something that holds the error, an answer or a task, neither lets go of the other. Then all
    that the frames hold, with the request and its secrets, stays until a garbage collection.
    """
    seen, waiting = set[int](), [error]
    while waiting:
        current = waiting.pop()
        seen.add(id(current))
        current.__traceback__ = None
        waiting += [led for led in (current.__cause__, current.__context__) if led is not None and id(led) not in seen]
