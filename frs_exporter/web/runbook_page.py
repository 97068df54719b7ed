"""The runbook of an alert, and the list of all of them: what is always at hand where the exporter is."""

from functools import cache
from typing import Any

from aiohttp import web
from markdown_it import MarkdownIt

from frs_exporter.core.alerts import LINK, Alert, alerts, lower_case
from frs_exporter.status.i18n import Translator
from frs_exporter.web.layout import way_up
from frs_exporter.web.rendering import Blocks
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.status_page import StatusQuery
from frs_exporter.web.stream import stream
from frs_exporter.web.templating import ENVIRONMENT, STYLE, headers_of, shared, text_of

STYLES = (STYLE, text_of("project.css"))
TEMPLATE = ENVIRONMENT.get_template("runbook.html")
HEADERS = headers_of(STYLES)
MARKDOWN = MarkdownIt("commonmark", {"html": False})


async def page(renderings: Renderings, prefix: str, request: web.Request) -> web.StreamResponse:
    """The runbook of the alert that the path names, in capitals or not; of any other name a 404 with all there are."""
    alert, asked = lower_case().get(request.match_info.get("name", "").lower()), StatusQuery.of(request)
    root = way_up(prefix, request.rel_url.raw_path)
    subject = Subject("runbook", (alert and alert.name, root, asked.variant))

    async def blocks() -> Blocks:
        about = {"alert": alert, "parts_of": parts_of(alert, asked.words) if alert else [], "alerts": list(alerts())}
        text = TEMPLATE.render(**shared(asked.words, asked.lang, STYLES), root=root, **about)
        yield text.encode()

    return await stream(
        request, renderings, subject, blocks, HEADERS, status=404 if "name" in request.match_info and not alert else 200
    )


def parts_of(alert: Alert, words: Translator) -> list[tuple[str, str]]:
    """The parts of a runbook as HTML, each with its heading."""
    found: dict[str, Any] = {name: getattr(alert, name) for name in ("meaning", "impact", "diagnosis", "mitigation")}
    return [(words(f"runbook_{name}"), as_html(words(text))) for name, text in found.items()]


@cache
def as_html(markdown: str) -> str:
    """A part of a runbook; what links to another leads to its page, which is beside this one."""

    def beside(text: str) -> str:
        return LINK.sub(lambda link: f"[{link[1]}]({lower_case()[link[2]].name})", text)

    html: str = MARKDOWN.render(beside(markdown))
    return html
