"""`/probe`, which asks about one project now, and `/sd`, which tells Prometheus of all that can be asked about."""

import json
from collections.abc import Iterator
from functools import partial

from aiohttp import web

from frs_exporter.collectors import COLLECTORS
from frs_exporter.core.explanations import explain
from frs_exporter.core.model import Key
from frs_exporter.exposition.page import FORMATS, TEXT, Page, negotiate
from frs_exporter.exposition.render import lines
from frs_exporter.polling.exporter import PAGE_FAMILIES, Exporter
from frs_exporter.polling.probe import Probed, deadline
from frs_exporter.polling.runner import show
from frs_exporter.runtime.offload import Yielder
from frs_exporter.status.i18n import Translator, language_of
from frs_exporter.web.layout import Layout
from frs_exporter.web.rendering import Blocks
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.stream import header, in_turns, stream

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
TIMEOUT = 10.0
"""Seconds when nobody says how long the scrape may take."""
LONGEST = 120.0
OFFSET = 0.5
"""Seconds that are left for the answer's way."""
UNKNOWN = "no such project or account with this collector is watched here; /sd lists all"
SWITCH = {"": False, "false": False, "0": False, "true": True, "1": True}


async def probe(exporter: Exporter, renderings: Renderings, request: web.Request) -> web.StreamResponse:
    """The families of one project, asked about now; or with `debug=true` what happened meanwhile."""
    await exporter.page_complete.wait()
    try:
        keys = keys_of(request, exporter)
        debug = SWITCH.get(only(request, "debug"))
        if debug is None:
            raise ValueError("debug must be true or false")
        timeout = leaves(request)
    except LookupError as error:
        return web.Response(text=f"{error.args[0]}\n", status=404)
    except ValueError as error:
        return web.Response(text=f"{error}\n", status=400)
    steps = Steps(exporter)
    probed = await exporter.probe(keys, timeout, steps.add if debug else None)
    if not probed:
        return web.Response(text="the config has changed meanwhile: ask again\n", status=503)
    if debug:
        words = Translator(language_of(header(request, "Accept-Language", "*"), request.query.get("lang", "")))
        text = "".join(f"{line}\n" for line in steps.report(probed, timeout, words))
        return web.Response(text=text, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"})
    format = negotiate(header(request, "Accept", "*/*"), FORMATS, TEXT)
    page = Page(PAGE_FAMILIES)
    for job, state in probed:
        show(page, job, state, exporter.token_expiry(job.target))
    blocks = [*page.blocks(format, exporter.clock()), *exporter.time(format)]
    headers = {"Content-Type": format.content_type, "Vary": "Accept"}
    return await stream(request, renderings, Subject("probe", object()), lambda: in_turns(blocks), headers)


def keys_of(request: web.Request, exporter: Exporter) -> list[Key]:
    """The jobs that a request names; raises ValueError and LookupError.

    The Prometheus Operator's Probe sends each of its targets as `target`, as does whoever comes from blackbox_exporter.
    """
    project, target, collector = (only(request, name) for name in ("project", "target", "collector"))
    if project and target and project != target:
        raise ValueError("project and target are two names for one thing: give one of them")
    project = project or target
    if not project:
        raise ValueError("project is missing: /probe?project=NAME, as the config names it; /sd lists all")
    if collector and collector not in COLLECTORS:
        raise ValueError(f"there is no such collector; there are {', '.join(COLLECTORS)}")
    wanted = [collector] if collector else list(COLLECTORS)
    keys = [(project, name) for name in wanted if exporter.job((project, name)) is not None]
    if not keys:
        raise LookupError(UNKNOWN)
    return keys


def leaves(request: web.Request) -> float:
    """Seconds that there are for an answer; raises ValueError."""
    try:
        return min(deadline(request.headers.get(TIMEOUT_HEADER), TIMEOUT, OFFSET), LONGEST)
    except ValueError:
        raise ValueError(f"{TIMEOUT_HEADER} is no number of seconds") from None


def only(request: web.Request, name: str) -> str:
    """A parameter that may be given once, empty without it; raises ValueError."""
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise ValueError(f"{name} is given more than once")
    return values[0] if values else ""


class Steps:
    """What happened in a probe, and when."""

    def __init__(self, exporter: Exporter) -> None:
        self._clock = exporter.clock
        self._started = self._clock()
        self._steps: list[str] = []

    def add(self, text: str) -> None:
        """Something has happened now."""
        self._steps.append(f"{self._clock() - self._started:8.3f} s  {text}")

    def report(self, probed: list[Probed], timeout: float, words: Translator) -> Iterator[str]:
        """All of it, line by line; names of steps and facts are in English, advice in the reader's language."""
        yield f"asked with {timeout:.1f} s to answer"
        for text in self._steps:
            yield text.replace("\n", "\n" + " " * 12)
        for job, state in probed:
            failure = state.failure
            yield ""
            yield f"{job.target.project}, {job.collector}: {'up' if state.up else 'down'}"
            if failure:
                facts = {"reason": failure.reason, "code": failure.code, "status": failure.status}
                facts |= {"message": failure.message, "request id": failure.request_id}
                facts |= {"means": words(explain(failure).means), "do": words(explain(failure).do)}
                yield from (f"  {name}: {value}" for name, value in facts.items() if value)
            for note in state.warnings:
                yield f"  note: {words(note.text)}"
            chunks = map(partial(lines, job.target.project), (state.samples, state.proven_samples))
            for chunk in (chunk for of_family in chunks for chunk in of_family.values()):
                yield from (f"  {line}" for line in chunk.decode().splitlines())


async def targets(
    exporter: Exporter, renderings: Renderings, layout: Layout, request: web.Request
) -> web.StreamResponse:
    """All projects as targets, in the format of Prometheus' HTTP service discovery."""
    await exporter.page_complete.wait()
    reached_at = layout.reached_at(request.scheme, request.host)
    blocks, headers = partial(list_targets, exporter, *reached_at), {"Content-Type": "application/json"}
    return await stream(request, renderings, Subject("targets", reached_at), blocks, headers)


async def list_targets(exporter: Exporter, scheme: str, host: str, path: str) -> Blocks:
    """The list, target by target; `instance` keeps apart the series that Prometheus itself makes, like `up`."""
    turn, comma = Yielder(exporter.clock), b"["
    for target in {job.target.project: job.target for job, _, _ in exporter.snapshot().jobs}.values():
        facts = {
            "kind": "account" if target.account else "project",
            "project_id": target.project_id,
            "region": target.region,
            "site": target.credential.site,
        }
        by = {"credential": target.credential.name, "auth": target.credential.kind}
        meta = {"project": target.project, **facts, **by}
        labels = {
            "instance": target.project,
            "__param_project": target.project,
            "__scheme__": scheme,
            "__metrics_path__": path,
            **{f"__meta_frs_{name}": value for name, value in meta.items()},
            **{f"__meta_frs_label_{name}": value for name, value in target.display.labels},
        }
        yield comma + json.dumps({"targets": [host], "labels": labels}, ensure_ascii=False).encode("utf-8", "replace")
        comma = b",\n"
        await turn()
    yield b"]\n" if comma == b",\n" else b"[]\n"
