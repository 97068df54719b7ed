"""`python -m tests.benchmarks.cloud`: a cloud that answers every GET with the same, as fast as can be.

It prints its port. `GET /count` tells how many were answered.
"""

import asyncio
import json

BODY = json.dumps(
    {
        f"{name}_service": {"subscribe_status": True, "create_time": "2024-01-01 00:00:00"}
        for name in ("detect", "compare", "search", "live_detect")
    }
    | {"max_face_set_number": 10}
)


def response(body: str) -> bytes:
    """An answer as it goes over the wire."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


class Answers(asyncio.Protocol):
    """One connection; requests have no body."""

    answer = response(BODY)
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.rest = transport, b""

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            if request.startswith(b"GET /count "):
                self.transport.write(response(str(Answers.count)))
            else:
                Answers.count += 1
                self.transport.write(self.answer)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
