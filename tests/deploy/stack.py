"""All of it, running: a simulated cloud, an exporter, Prometheus with the rules, Alertmanager, and who is told."""

import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from frs_simulator.control import PATH as FAULTS_PATH
from tests.deploy.artifacts import DEPLOY, RULES
from tests.deploy.victoria import start_victoria
from tests.e2e.conftest import Process, Programs, eventually, fetch, free_port, query, tool

INTERVAL = "2s"
"""The poll interval, so that what takes minutes elsewhere takes seconds here."""

PAUSES = {"for": "2s", "keep_firing_for": "6s"}
"""So are those of the rules."""


class Told:
    """A webhook and WeCom's API in one: what Alertmanager has sent, in order."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.messages: list[str] = []
        self.notifications: list[dict[str, Any]] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer({"errcode": 0, "access_token": "token-of-wecom"})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "message/send" in self.path:
                    told.messages.append(body["text"]["content"])
                else:
                    told.notifications.append(body)
                    told.alerts += body["alerts"]
                self.answer({"errcode": 0, "errmsg": "ok"})

            def answer(self, body: Any) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()

    def ever(self, status: str) -> set[tuple[str, str]]:
        """Alerts that were ever `firing` or `resolved`: names, with the project or whatever else they are about."""
        return {about(alert["labels"]) for alert in self.alerts if alert["status"] == status}

    def now(self) -> set[tuple[str, str]]:
        """Alerts that fire, as far as was told."""
        newest = {about(alert["labels"]): alert["status"] for alert in self.alerts}
        return {name for name, status in newest.items() if status == "firing"}


def about(labels: dict[str, str]) -> tuple[str, str]:
    """An alert's name, and what it is about."""
    return labels["alertname"], labels.get("project") or labels.get("account") or labels.get(
        "credential"
    ) or labels.get("job", "")


class Stack:
    """All programs, and how to turn faults on and off."""

    def __init__(self, programs: Programs, told: Told, projects: int) -> None:
        self.programs = programs
        self.folder = programs.folder
        self.told = told
        self.simulator = programs.exporter("simulate", f"--projects={projects}", f"--poll-interval={INTERVAL}")
        assert self.simulator.popen.stdout
        self.config = yaml.safe_load(self.simulator.popen.stdout.read())
        self.config["limits"] = {"frs": {"rate": 9}}
        self.config["defaults"]["probes"] = ["compare"]
        self.config["discovery"] = [{"credential": "globex", "regions": ["cn-east-3"]}]
        self.cloud = self.config["endpoints"]["frs"]
        account = {"name": "acme-account", "credential": "acme", "endpoint": self.cloud, "poll_interval": "10m"}
        self.config["accounts"] = [{**account, "collectors": ["billing", "vouchers"]}]
        self.config_file = self.folder / "config.yaml"
        self.shards: list[str] = []
        self.write_config()
        self.port = free_port()
        self.exporter = self.start_exporter()
        self.prometheus = self.ruler = ""

    def write_config(self) -> None:
        """Put what `config` says into the exporter's file."""
        self.config_file.write_text(yaml.safe_dump(self.config, allow_unicode=True))

    def start_exporter(self) -> Process:
        """The exporter, at the port it always has."""
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        return self.programs.exporter(f"--config.file={self.config_file}", address)

    def start_shard(self, index: int, *, of: int) -> Process:
        """An exporter that shares the projects with others, which Prometheus scrapes as the job "shards"."""
        port = free_port()
        flags = [f"--shard={index}", f"--total-shards={of}", f"--web.listen-address=127.0.0.1:{port}"]
        shard = self.programs.exporter(f"--config.file={self.config_file}", *flags)
        self.shards.append(f"127.0.0.1:{port}")
        self.show_shards()
        return shard

    def show_shards(self) -> None:
        """Tell Prometheus where the shards are; it looks by itself."""
        (self.folder / "shards.json").write_text(json.dumps([{"targets": self.shards}]))

    @property
    def url(self) -> str:
        """Where the exporter is."""
        return f"http://127.0.0.1:{self.port}"

    def order(self, **what: Any) -> None:
        """Let something go wrong in the cloud, or be well again."""
        body = json.dumps(what).encode()
        with urllib.request.urlopen(urllib.request.Request(self.cloud + FAULTS_PATH, body), timeout=10) as answer:
            assert answer.status == 200

    def until(self, condition: Callable[[Told], bool], seconds: float = 60.0) -> None:
        """Wait for what is told."""
        try:
            eventually(lambda: condition(self.told), seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; told now: {sorted(self.told.now())}") from None

    def reload(self) -> None:
        """Tell the exporter that its config has changed."""
        fetch_by_post(f"{self.url}/-/reload")

    def ask_again(self, *projects: str) -> None:
        """Let the exporter ask about projects now, however long their pause is."""
        for project in projects:
            fetch(f"{self.url}/probe?project={urllib.parse.quote(project)}")

    def start_prometheus(self, *, newest: bool = False) -> None:
        """Prometheus with our own config, rules and Alertmanager, in seconds instead of minutes."""
        document = self.scrape_config()
        alertmanager = self.start_alertmanager(newest=newest)
        document["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
        self.prometheus = self.ruler = start_prometheus(self.programs, document, newest=newest)
        eventually(lambda: query(self.prometheus, "frs_up == 1"))

    def start_victoria(self) -> None:
        """VictoriaMetrics and vmalert with the same, and the newest Alertmanager."""
        document = in_seconds(self.programs, self.scrape_config())
        alertmanager = self.start_alertmanager(newest=True)
        self.prometheus, self.ruler = start_victoria(self.programs, document, alertmanager)
        eventually(lambda: query(self.prometheus, "frs_up == 1"))

    def scrape_config(self) -> dict[str, Any]:
        """Our own prometheus.yml, for the exporter and its shards."""
        document: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
        (job,) = document["scrape_configs"]
        job["static_configs"][0]["targets"] = [f"127.0.0.1:{self.port}"]
        self.show_shards()
        files = [{"files": [str(self.folder / "shards.json")], "refresh_interval": "1s"}]
        own = {"source_labels": ["__name__"], "regex": "frs_exporter_.*", "action": "keep"}
        shards = {"job_name": "shards", "file_sd_configs": files, "metric_relabel_configs": [own]}
        document["scrape_configs"].append(shards)
        return document

    def start_alertmanager(self, *, newest: bool) -> str:
        """Alertmanager with our own routes and inhibitions, without pauses, and who it tells; its address."""
        document = yaml.safe_load((DEPLOY / "prometheus/alertmanager.yml").read_text())
        return start_alertmanager(self.programs, document, self.told, newest=newest)


def in_seconds(programs: Programs, document: dict[str, Any]) -> dict[str, Any]:
    """A config that goes by seconds instead of minutes, as do our rules, which are put into the folder."""
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule |= {pause: time for pause, time in PAUSES.items() if pause in rule}
    (programs.folder / "frs.rules.yml").write_text(yaml.safe_dump(rules))
    return {**document, "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}


def start_prometheus(programs: Programs, document: dict[str, Any], *, newest: bool = False) -> str:
    """Prometheus with a config and our rules, in seconds instead of minutes; its URL."""
    (programs.folder / "prometheus.yml").write_text(yaml.safe_dump(in_seconds(programs, document)))
    port = free_port()
    programs.start(
        tool("prometheus", newest=newest),
        f"--config.file={programs.folder}/prometheus.yml",
        f"--storage.tsdb.path={programs.folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    )
    eventually(lambda: "is Ready" in fetch(f"http://127.0.0.1:{port}/-/ready"))
    return f"http://127.0.0.1:{port}"


def routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A route of Alertmanager, and all below it."""
    yield route
    for child in route.get("routes", ()):
        yield from routes(child)


def start_alertmanager(
    programs: Programs, document: dict[str, Any], told: Told, minute: float = 0.0, *, newest: bool = False
) -> str:
    """Alertmanager with a config whose receivers are `told`, and whose minutes are so many seconds; its address.

    Without minutes each pause is one second.
    """
    for route in routes(document["route"]):
        for pause in ("group_wait", "group_interval"):
            if pause in route:
                minutes = int(route[pause][:-1]) * {"s": 1 / 60, "m": 1.0}[route[pause][-1]]
                route[pause] = f"{minute * minutes * 1000 or 1000:.0f}ms"
    for receiver in document["receivers"]:
        for webhook in receiver.get("webhook_configs", ()):
            webhook["url"] = told.url
        for wecom in receiver.get("wechat_configs", ()):
            wecom["api_url"] = f"{told.url}/cgi-bin/"
    file = programs.folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True))
    port = free_port()
    programs.start(
        tool("prometheus-alertmanager", newest=newest),
        f"--config.file={file}",
        f"--storage.path={programs.folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/ready"))
    return f"127.0.0.1:{port}"


def fetch_by_post(url: str, body: bytes = b"") -> None:
    """Ask with POST; the answer must be good."""
    headers = {"Content-Type": "application/json"} if body else {}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"), timeout=10) as answer:
        assert answer.status == 200


@contextmanager
def stack(folder: Path, *, projects: int) -> Iterator[Stack]:
    """A cloud of so many projects, and an exporter; the others are started when they are wanted."""
    told, programs = Told(), Programs(folder)
    try:
        yield Stack(programs, told, projects)
    finally:
        programs.stop()
        told.stop()
