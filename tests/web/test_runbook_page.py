"""The pages of runbooks: each alert has one, in both languages, which says what its file says."""

import re
from urllib.parse import urljoin

import pytest

from frs_exporter.core.alerts import alerts
from frs_exporter.web.layout import Layout
from frs_simulator import Simulator, demo_world
from tests.web.serving import serving
from tests.web.test_status import Text

MARKS = re.compile(r"\]\(#\w+\)|^```.*$|\W", re.MULTILINE)
"""Marks of Markdown, and all that is no word."""


@pytest.mark.parametrize("prefix", ["", "/frs/x"])
@pytest.mark.uncounted
async def test_each_alert_has_a_page_in_both_languages(prefix: str) -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator, Layout(prefix=prefix)) as served:
        there = set()
        for alert in alerts().values():
            for language in ("en", "zh"):
                path = f"{prefix}/runbook/{alert.name}?lang={language}"
                status, headers, body = await served.get(path)
                page = Text(body.decode())
                assert (status, "script" in page.tags) == (200, False)
                assert "script-src" not in headers["Content-Security-Policy"]
                text = re.sub(r"\W", "", page.text)
                for part in (alert.meaning, alert.impact, alert.diagnosis, alert.mitigation):
                    for line in getattr(part, language).splitlines():
                        assert MARKS.sub("", line) in text, line
                there |= {urljoin(path, link) for link in page.links}
        for link in there:
            assert (await served.get(link))[0] == 200, link


async def test_all_are_listed_and_named_in_capitals_or_not() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator) as served:
        status, _, body = await served.get("/runbook")
        assert status == 200
        assert [link for link in Text(body.decode()).links if "runbook/" in link] == [
            f"./runbook/{it}" for it in alerts()
        ]
        assert b"FrsServiceFrozen" in (await served.get("/runbook/frsservicefrozen/"))[2]
        for name in ("nothing", "<script>", "a" * 5000):
            status, _, body = await served.get(f"/runbook/{name}")
            assert (status, b"FrsServiceFrozen" in body, name.encode() in body) == (404, True, False)
