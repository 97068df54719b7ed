"""Which projects the status page shows, and in which order, by links that anybody can read."""

import json
from dataclasses import replace
from typing import Any

import pytest

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.status.order import sort_of
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import subscribed
from tests.web.serving import Served, serving
from tests.web.test_project_page import polled

ANSWER = subscribed("2024-09-02 03:00:00")


def world() -> World:
    first = [Project(name, region, ANSWER) for name, region in (("b", "cn-north-4"), ("a", "cn-north-1"))]
    return World([Account("acme", "token", first), Account("globex", "ak_sk", [Project("c", "cn-north-4", ANSWER)])])


async def names(served: Served, query: str) -> list[str]:
    """The projects of the document, and that the page has the same."""
    found: list[str] = [
        one["project"] for one in json.loads((await served.get(f"/api/v1/status?{query}"))[2])["projects"]
    ]
    page = (await served.get(f"/?{query}"))[2].decode()
    places = [page.find(f'<a href="project/{name}">') for name in found]
    assert places == sorted(places)
    assert page.count('<a href="project/') == len(found)
    return found


async def three(served: Served) -> None:
    """Project a has old data, c has none and is down."""
    await polled(served)
    now = served.exporter.snapshot().now
    for name, seconds in (("a", 100.0), ("b", 10.0), ("c", None)):
        runner = served.exporter.runners[name, "subscription"]
        runner.state = runner.state._replace(last_success=None if seconds is None else now - seconds)
    runner.state = runner.state._replace(failure=Failure(Reason.DNS, "no such host"))


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *(("", "cab"), ("sort=state", "cab"), ("sort=-state", "bac"), ("sort=nonsense", "cab"), ("sort=--age", "cab")),
        *(("sort=project", "abc"), ("sort=-project", "cba"), ("sort=age", "bac"), ("sort=-age", "abc")),
        *(("q=region:cn-north-4", "cb"), ("q=Region:CN-NORTH-4&sort=project", "bc"), ("q=credential:acme", "ab")),
        *(("q=state:down", "c"), ("q=team:vision", "cab"), ("q=team:visio", ""), ("q=kind:account", "")),
        *(("q=region:", ""), ("q=:", ""), ("q=no such", "c"), ("q=project:a", "a"), ("q=nothing:a", "")),
    ],
)
async def test_what_is_chosen_comes_in_the_order_that_is_chosen(query: str, expected: str) -> None:
    asked: dict[str, Any] = {"labels": (("team", "Vision"),)}
    async with Simulator(world()) as simulator, serving(simulator, poll_interval=600.0, **asked) as served:
        await three(served)
        assert "".join(await names(served, query)) == expected


async def test_by_token_and_by_the_next_poll() -> None:
    """What has no token is last, either way."""
    async with Simulator(world()) as simulator, serving(simulator, poll_interval=600.0) as served:
        await three(served)
        for number, name in enumerate("cab"):
            served.exporter.runners[name, "subscription"].due = served.exporter.clock() + 50 + number
        assert (await names(served, "sort=next"), await names(served, "sort=-next")) == ([*"cab"], [*"bac"])
        for query in ("sort=token", "sort=-token"):
            assert (await names(served, query))[-1] == "c"


async def test_links_keep_what_else_was_chosen() -> None:
    async with Simulator(world()) as simulator, serving(simulator, poll_interval=600.0) as served:
        await polled(served)
        page = (await served.get("/?q=cn&sort=-age&lang=zh"))[2].decode()
        for link in ("?q=cn&amp;sort=age&amp;lang=zh", "?q=cn&amp;sort=project&amp;lang=zh", "project/a?lang=zh"):
            assert f'href="{link}"' in page
        assert 'href="?q=region%3Acn-north-1&amp;sort=-age&amp;lang=zh"' in page
        assert page.count(' aria-sort="') == 1
        assert '<th scope="col" class="sort" aria-sort="descending"><a href="?q=cn&amp;sort=age' in page
        assert '<input type="hidden" name="sort" value="-age">' in page


async def test_a_label_may_be_called_as_a_fact_is() -> None:
    async with Simulator(world()) as simulator, serving(simulator, poll_interval=600.0) as served:
        display = replace(served.config.targets[0].display, labels=(("region", "europe"),))
        await served.becomes(*(replace(target, display=display) for target in served.config.targets))
        await served.ready()  # until then the order may change between the document and the page
        assert len(await names(served, "q=region:europe")) == 3
        assert len(await names(served, "q=region:cn-north-4")) == 2


@pytest.mark.parametrize("text", ["", "-", "--age", "age-", "AGE", "<script>"])
def test_no_other_order_is_taken(text: str) -> None:
    assert sort_of(text) == ""
