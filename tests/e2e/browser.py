"""A real Chromium, driven by its DevTools protocol."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.conftest import ROOT, missing

SCREENSHOTS = ROOT / "screenshots"
VIOLATIONS = """(async () => {
  const kinds = new Map();
  for (const it of document.body.querySelectorAll("*")) {
    const length = [...it.childNodes].map((node) => node.data?.trim() ?? "").join("").length;
    if (!length && !it.matches("input, select, textarea")) continue;
    if (!it.checkVisibility() || !it.getBoundingClientRect().width) continue;
    let kind = "";
    for (let at = it; at; at = at.parentElement) {
      const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight, position } = getComputedStyle(at);
      const style = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight, position];
      kind += `${at.tagName}.${at.className} ${style} > `;
    }
    const seen = kinds.get(kind) ?? { first: it, longest: it, length };
    kinds.set(kind, length > seen.length ? { ...seen, longest: it, length } : seen);
  }
  const texts = [...kinds.values()].flatMap(({ first, longest }) => [...new Set([first, longest])]);
  const resultTypes = ["violations"];
  const found = [
    await axe.run({ resultTypes, rules: { "color-contrast": { enabled: false } } }),
    await axe.run(texts, { resultTypes, runOnly: ["color-contrast"] }),
  ];
  return found.flatMap((it) => it.violations).map((v) => `${v.id}: ${v.nodes.map((n) => n.target)}`);
})()"""
"""What axe-core finds. Contrast, which is nearly all of its time, it looks at in two texts of each kind, the first and
the longest: of those that have the same elements around them, with the same classes, colours, size and weight."""


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


async def listening(socket: aiohttp.ClientWebSocketResponse, stack: AsyncExitStack) -> Tab:
    """One that listens until the end."""
    tab = Tab(socket)
    task = asyncio.create_task(tab.listen())
    stack.callback(task.cancel)
    return tab


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Tab]:
    """A tab of a running browser that shares nothing with those before it: no cookies, storage, or cache."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        whole = await listening(await stack.enter_async_context(session.ws_connect(url)), stack)
        context = await whole.do("Target.createBrowserContext")
        target = await whole.do("Target.createTarget", url="about:blank", **context)
        page = url.partition("/devtools/")[0] + f"/devtools/page/{target['targetId']}"
        socket = await stack.enter_async_context(session.ws_connect(page, max_msg_size=1 << 28))
        tab = await listening(socket, stack)
        for domain in ("Page", "Log", "Runtime", "Network"):
            await tab.do(f"{domain}.enable")
        try:
            yield tab
        finally:
            await whole.do("Target.disposeBrowserContext", **context)
