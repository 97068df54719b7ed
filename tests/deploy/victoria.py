"""VictoriaMetrics in the place of Prometheus: what it knows of our config, and how it is started."""

from typing import Any

import yaml

from tests.e2e.conftest import Programs, eventually, free_port, query, tool

UNKNOWN_TO_VMAGENT = {"rule_files", "alerting", "evaluation_interval", "refresh_interval"}
"""vmalert and flags have them."""


def for_vmagent(document: Any) -> Any:
    """A config of Prometheus without what VictoriaMetrics' scraper refuses: it would not start."""
    if isinstance(document, list):
        return [for_vmagent(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {name: for_vmagent(value) for name, value in document.items() if name not in UNKNOWN_TO_VMAGENT}


def start_victoria(programs: Programs, document: dict[str, Any], alertmanager: str) -> tuple[str, str]:
    """VictoriaMetrics, which scrapes, and vmalert, which evaluates frs.rules.yml of the folder; their URLs."""
    (programs.folder / "scrape.yml").write_text(yaml.safe_dump(for_vmagent(document)))
    database, ruler = (f"127.0.0.1:{free_port()}" for _ in range(2))
    programs.start(
        tool("victoria-metrics", newest=True),
        f"-promscrape.config={programs.folder}/scrape.yml",
        "-promscrape.fileSDCheckInterval=1s",
        f"-storageDataPath={programs.folder}/data",
        f"-httpListenAddr={database}",
        "-search.latencyOffset=1s",
    )
    # Rules that look at a moment before the first scrape miss the exporter.
    eventually(lambda: query(f"http://{database}", "up offset 5s == 1"))
    programs.start(
        tool("vmalert", newest=True),
        f"-rule={programs.folder}/frs.rules.yml",
        *(f"-{which}.url=http://{database}" for which in ("datasource", "remoteWrite", "remoteRead")),
        f"-notifier.url=http://{alertmanager}",
        f"-httpListenAddr={ruler}",
        "-evaluationInterval=1s",
        "-rule.evalDelay=1s",
        "-remoteWrite.flushInterval=200ms",
    )
    return f"http://{database}", f"http://{ruler}"
