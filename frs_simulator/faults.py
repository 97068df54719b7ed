"""What can be made to go wrong with requests, by API and project."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """What happens to a request: each field that is set, in the order written here.

    Without status, code, body, throttle and garbage the right answer follows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay: float = Field(0.0, ge=0, description="Seconds before anything else.")
    hang: bool = Field(False, description="No answer, ever.")
    reset: bool = Field(False, description="The connection is reset instead of an answer.")
    garbage: bool = Field(False, description="Bytes that are no HTTP instead of an answer.")
    throttle: float | None = Field(None, ge=0, description="429 with a Retry-After of so many seconds.")
    status: int | None = Field(None, ge=200, le=599, description="The status; 400 with a code, else 200.")
    code: str = Field("", description="The vendor's code, in a body of the vendor's shape.")
    message: str = Field("simulated", description="The vendor's message beside the code.")
    body: str | bytes | None = Field(None, description="The body, as it is.")
    content_type: str = Field("application/json", description="What the body is said to be.")
    echo: bool = Field(False, description="The message beside the code quotes the request, secrets and all.")
    headers: dict[str, str] = Field({}, description="Headers of the answer, also of the right one.")
    drip: float = Field(0.0, ge=0, description="Seconds between two bytes of the body.")
    late: float = Field(0.0, ge=0, description="Seconds between the answer's making and its coming.")
    truncate: bool = Field(False, description="Half of the body comes, then the connection ends, or is reset.")

    @property
    def answers(self) -> bool:
        """Whether there is an answer instead of the right one."""
        return bool(self.throttle is not None or self.status or self.code or self.body is not None)

    @property
    def spoils(self) -> bool:
        """Whether the right answer does not arrive, however long somebody waits."""
        return self.answers or self.hang or self.reset or self.garbage or self.truncate


HANG = Fault(hang=True)


@dataclass
class Faults:
    """The faults in force; a fault of one project comes before one of all (project id "")."""

    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def set(self, api: str, fault: Fault | None, project_id: str = "") -> None:
        """Put a fault in force, or lift it."""
        if fault is None:
            self.faults.pop((api, project_id), None)
        else:
            self.faults[api, project_id] = fault

    def of(self, api: str, project_id: str) -> Fault | None:
        """The fault in force for a request."""
        return self.faults.get((api, project_id)) or self.faults.get((api, ""))


async def instead(fault: Fault, request: web.Request) -> web.Response | None:
    """Do what comes before an answer; the answer, if there is one, comes instead of the right one."""
    await asyncio.sleep(fault.delay)
    if fault.hang:
        await asyncio.Event().wait()
    if fault.reset and not fault.truncate:
        end(request, reset=True)
        return web.Response()
    if fault.garbage:
        assert request.transport
        request.transport.write(b"\x16\x03\x01 220 this is no HTTP\r\n\r\n")
        end(request)
        return web.Response()
    if not fault.answers:
        return None
    body, status, headers = fault.body, fault.status, {}
    if fault.throttle is not None:
        status, headers = status or 429, {"Retry-After": f"{fault.throttle:.0f}"}
    if body is None:
        message = await quoted(request) if fault.echo else fault.message
        body = json.dumps({"error_code": fault.code, "error_msg": message}) if fault.code else ""
    status = status or (400 if fault.code else 200)
    content = body.encode() if isinstance(body, str) else body
    return web.Response(status=status, body=content, content_type=fault.content_type, headers=headers)


async def quoted(request: web.Request) -> str:
    """A request as the gateway quotes it in some of its messages."""
    headers = "|".join(f"{name.lower()}:{value}" for name, value in request.headers.items())
    return f"canonicalRequest:{request.method}|{request.raw_path}|{headers}|{(await request.read()).decode()}"


async def spoiled(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """An answer with other headers, or that comes late, slowly or only in half."""
    response.headers.update(fault.headers)
    await asyncio.sleep(fault.late)
    body = response.body if isinstance(response, web.Response) else None
    if not (fault.drip or fault.truncate) or not isinstance(body, bytes):
        return response
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    try:
        for at in range(len(body) // 2 if fault.truncate else len(body)):
            await asyncio.sleep(fault.drip)
            await stream.write(body[at : at + 1])
    except ConnectionError:  # whoever asked has given up
        return stream
    if fault.truncate:
        end(request, reset=fault.reset)
    return stream


def end(request: web.Request, *, reset: bool = False) -> None:
    """End the connection, in good order or with a reset."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
