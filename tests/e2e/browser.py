"""A real Chromium, driven by its DevTools protocol."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.conftest import ROOT, missing, tool

SCREENSHOTS = ROOT / "screenshots"
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0", "about:blank"),
]


class Tab:
    """One page; `troubles` are what the browser complained about."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.troubles: list[str] = []

    async def listen(self) -> None:
        """Take what the browser says."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif told["method"] == "Log.entryAdded":
                self.troubles.append(told["params"]["entry"]["text"])
            elif told["method"] in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                self.troubles.append(str(told["params"]))

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its result."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(60):
            told = await self._answers[number]
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def open(
        self, url: str, width: int = 1280, language: str = "en", dark: bool = False, height: int = 900
    ) -> None:
        """Go to a page as a reader with such a screen and language does, and wait until it is there."""
        mobile = width < 600
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        await self.do("Emulation.setDeviceMetricsOverride", **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.do("Emulation.setEmulatedMedia", features=[scheme])
        await self.do("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        self._loaded.clear()
        await self.do("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait for a page that is on its way."""
        async with asyncio.timeout(60):
            await self._loaded.wait()

    async def run(self, script: str) -> Any:
        """The value of an expression."""
        told = await self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, text: str) -> None:
        """Wait until a text can be read."""
        async with asyncio.timeout(20):
            while text not in await self.run("document.body.innerText"):  # noqa: ASYNC110  # it is across a socket
                await asyncio.sleep(0.05)

    async def until_gone(self, text: str) -> None:
        """Wait until a text can be read no more."""
        async with asyncio.timeout(20):
            while text in await self.run("document.body.innerText"):  # noqa: ASYNC110  # it is across a socket
                await asyncio.sleep(0.05)

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.do("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **about)

    async def follow(self, selector: str) -> None:
        """Click the first link of a kind."""
        self._loaded.clear()
        await self.run(f"document.querySelector({selector!r}).click()")
        await self.loaded()

    async def submit(self, text: str) -> None:
        """Write into the search field and press its button."""
        self._loaded.clear()
        await self.run(f"document.querySelector('input[type=search]').value = {text!r}; void 0")
        await self.run("document.querySelector('form button').click()")
        await self.loaded()

    async def screenshot(self, name: str) -> Path:
        """Write what is seen into a folder that git ignores."""
        SCREENSHOTS.mkdir(exist_ok=True)
        told = await self.do("Page.captureScreenshot", captureBeyondViewport=False)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(told["data"]))
        return path


def axe() -> str:
    """The script of axe-core, which finds what keeps people from reading a page; without it the test is skipped."""
    path = ROOT / ".tools/node_modules/axe-core/axe.min.js"
    if not path.is_file():
        missing("axe-core is not installed: `make tools` does that")
    return path.read_text("utf-8")


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """A tab of a browser with a fresh profile."""
    profile = folder / "profile"
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        tool("chromium"), f"--user-data-dir={profile}", *FLAGS, stdout=nowhere, stderr=nowhere
    )
    try:
        port_file, port = profile / "DevToolsActivePort", ""
        async with asyncio.timeout(60):
            while not port:
                await asyncio.sleep(0.05)
                if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
                    port = lines[0]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.put("/json/new?about:blank") as response:
                target = (await response.json())["webSocketDebuggerUrl"]
            async with session.ws_connect(target, max_msg_size=1 << 28) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                for domain in ("Page", "Log", "Runtime", "Network"):
                    await tab.do(f"{domain}.enable")
                yield tab
                listening.cancel()
    finally:
        process.kill()
        await process.wait()
