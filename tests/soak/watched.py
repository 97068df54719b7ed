"""`python -m tests.soak.watched SOCKET FLAGS...`: the exporter, which tells at a socket how many tasks it has."""

import asyncio
import socket
import sys
import threading

from frs_exporter.__main__ import main


class Remembering(asyncio.DefaultEventLoopPolicy):
    """Knows the loop that was made last, as tasks are told by loop."""

    made: asyncio.AbstractEventLoop | None = None

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        self.made = super().new_event_loop()
        return self.made


def tell(listener: socket.socket, policy: Remembering) -> None:
    """Tell whoever connects how many tasks there are; in a thread, so that it takes no turn of the loop."""
    while True:
        asking, _ = listener.accept()
        with asking:
            asking.sendall(str(len(asyncio.all_tasks(policy.made))).encode())


if __name__ == "__main__":
    listener, policy = socket.socket(socket.AF_UNIX), Remembering()
    listener.bind(sys.argv.pop(1))
    listener.listen()
    asyncio.set_event_loop_policy(policy)
    threading.Thread(target=tell, args=(listener, policy), daemon=True).start()
    main()
