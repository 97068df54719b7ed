"""Stands between an exporter and an engine that scrapes it, and keeps the bytes that the engine was given."""

import gzip
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

OF_A_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
CLOSED = 503


class Scrape(NamedTuple):
    """What an engine asked for and was given: the headers of both, and the page unpacked."""

    accept: str
    content_type: str
    page: str


class Relay:
    """Passes `most` scrapes on once it is open; before and after that it answers 503."""

    def __init__(self, exporter: str, most: int) -> None:
        self.scrapes: list[Scrape] = []
        self.turned_away = 0
        """Scrapes that came too late: the engine has stored those before, as it scrapes one at a time."""
        self._exporter, self._most, self._open = urlsplit(exporter).netloc, most, threading.Event()
        self._one_at_a_time = threading.Lock()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                relay.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def open(self) -> None:
        """Pass on what is asked from now on."""
        self._open.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Give an engine what the exporter gives to it."""
        with self._one_at_a_time:
            if not self._open.is_set() or len(self.scrapes) == self._most:
                self.turned_away += self._open.is_set()
                give(request, CLOSED, {}, b"")
                return
            connection = http.client.HTTPConnection(self._exporter, timeout=10)
            connection.request("GET", request.path, headers=kept(request.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            assert answer.status == http.client.OK, answer.status
            plain = gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
            self.scrapes.append(Scrape(request.headers["Accept"], answer.headers["Content-Type"], plain.decode()))
            give(request, answer.status, kept(answer.headers), body)


def kept(headers: Message) -> dict[str, str]:
    """Those that are passed on: the others are of one connection only."""
    return {name: value for name, value in headers.items() if name.lower() not in OF_A_CONNECTION}


def give(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    """Answer a request."""
    request.send_response_only(status)
    for name, value in (*headers.items(), ("Content-Length", str(len(body)))):
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def relay(exporter: str, most: int) -> Iterator[Relay]:
    """One that listens meanwhile."""
    started = Relay(exporter, most)
    threading.Thread(target=started.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield started
    finally:
        started.server.shutdown()
        started.server.server_close()
