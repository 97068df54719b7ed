"""A real Prometheus scrapes the daemon, which polls the simulator with real tokens and real signatures.

So do the newest of it, and VictoriaMetrics' agent, where they read configs or answers in a way of their own.
"""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from tests.deploy.victoria import for_vmagent
from tests.e2e.conftest import (
    ENGINES,
    ROOT,
    Process,
    Programs,
    eventually,
    fetch,
    free_port,
    query,
    tool,
)
from tests.web.authority import prepare, put


def start_prometheus(programs: Programs, scrape: str, *, newest: bool = False) -> tuple[Process, str]:
    """A Prometheus with a config that answers, and its URL."""
    (programs.folder / "prometheus.yml").write_text(scrape)
    port = free_port()
    process = programs.start(
        tool("prometheus", newest=newest),
        f"--config.file={programs.folder}/prometheus.yml",
        f"--storage.tsdb.path={programs.folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: "is Ready" in fetch(f"{url}/-/ready"))
    return process, url


def start_newest(programs: Programs, scrape: str) -> tuple[Process, str]:
    """The same with the newest Prometheus."""
    return start_prometheus(programs, scrape, newest=True)


def start_vmagent(programs: Programs, scrape: str) -> tuple[Process, str]:
    """VictoriaMetrics' agent with what it knows of such a config, and the URL of the database that it writes to."""
    (programs.folder / "scrape.yml").write_text(yaml.safe_dump(for_vmagent(yaml.safe_load(scrape))))
    url = f"http://127.0.0.1:{(port := free_port())}"
    programs.start(
        tool("victoria-metrics", newest=True),
        f"-storageDataPath={programs.folder}/data",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=1s",
    )
    agent = programs.start(
        tool("vmagent", newest=True),
        f"-promscrape.config={programs.folder}/scrape.yml",
        "-promscrape.httpSDCheckInterval=2s",
        f"-remoteWrite.url={url}/api/v1/write",
        f"-remoteWrite.tmpDataPath={programs.folder}/queue",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
    )
    eventually(lambda: fetch(f"{url}/-/ready"))
    return agent, url


Start = Callable[[Programs, str], tuple[Process, str]]
Renewal = Callable[[Programs, Process, Callable[[], bool]], None]


def by_itself(programs: Programs, process: Process, refused: Callable[[], bool]) -> None:
    """It reads the file of a password at each scrape."""


def by_another_job(programs: Programs, process: Process, refused: Callable[[], bool]) -> None:
    """It goes on with the password that it has, also after a reload, until something in the job is another one."""
    process.popen.send_signal(signal.SIGHUP)
    time.sleep(3)
    assert not refused()
    file = programs.folder / "prometheus.yml"
    file.write_text(file.read_text().replace("scrape_interval: 1s", "scrape_interval: 1100ms"))
    process.popen.send_signal(signal.SIGHUP)


SCRAPERS = [
    pytest.param(start_prometheus, by_itself, id="Prometheus as in Debian"),
    pytest.param(start_newest, by_another_job, id="newest Prometheus"),
    pytest.param(start_vmagent, by_itself, id="vmagent"),
]
"""What may ask for /sd and /probe, and how each gets to know of a new password."""


def test_prometheus_stores_the_subscription_of_every_project(programs: Programs) -> None:
    _, config = programs.simulator("--poll-interval=2s")
    _, url = programs.daemon(config)
    projects = {project["name"] for project in yaml.safe_load(config.read_text())["projects"]}
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")

    scrape = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    scrape = "global: {scrape_interval: 1s}\n" + scrape.replace("localhost:10377", url.removeprefix("http://"))
    _, server = start_prometheus(programs, scrape)
    subscribed = eventually(lambda: query(server, "frs_subscribed"))
    values = {(s["metric"]["project"], s["metric"]["subservice"]): s["value"][1] for s in subscribed}
    assert {project for project, _ in values} == projects
    assert values["visitor-kiosk", "search"] == "0"
    assert values["vision-prod", "search"] == "1"
    assert values["new-branch", "detect"] == "0"
    assert values["door-access", "face_quality"] == "1"
    ups = {s["metric"]["project"]: s["value"][1] for s in query(server, "frs_up")}
    assert ups == dict.fromkeys(projects, "1")
    off = query(server, "frs_subservice_required unless frs_subscribed == 1")
    assert {s["metric"]["project"] for s in off} == {"visitor-kiosk", "new-branch"}
    frozen = eventually(lambda: query(server, "frs_service_frozen == 1"))
    assert [s["metric"]["project"] for s in frozen] == ["in-arrears"]
    assert [s["metric"]["project"] for s in query(server, "frs_up == 0")] == ["in-arrears"]
    (why,) = query(server, "frs_poll_error_info")
    assert (why["metric"]["reason"], why["metric"]["code"]) == ("frozen", "FRS.0202")
    joined = query(
        server, "frs_up * on(cluster, namespace, job, instance, project) group_left(team, region) frs_project_info"
    )
    assert {s["metric"]["team"] for s in joined} == {"acme", "globex"}
    assert query(server, "up")[0]["value"][1] == "1"


def test_promtool_has_nothing_to_say_about_the_page(programs: Programs) -> None:
    promtools = [tool("promtool"), tool("promtool", newest=True)]
    _, config = programs.simulator()
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    page = fetch(f"{url}/metrics")
    for promtool in promtools:
        command = [promtool, "check", "metrics"]
        checked = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


SCRAPE_CONFIGS = ["prometheus.yml", "prometheus-tls.yml", "prometheus-probe.yml"]


@pytest.mark.parametrize("newest", ENGINES)
@pytest.mark.parametrize("name", SCRAPE_CONFIGS)
def test_promtool_accepts_the_scrape_config(name: str, newest: bool) -> None:
    path = ROOT / "deploy/prometheus" / name
    command = [tool("promtool", newest=newest), "check", "config", "--syntax-only", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", SCRAPE_CONFIGS)
def test_vmagent_accepts_the_scrape_config_without_what_the_page_says_it_refuses(name: str, tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "deploy/prometheus" / name).read_text())
    said = (ROOT / "deploy/prometheus/elsewhere.md").read_text()
    file = tmp_path / "scrape.yml"
    for known, accepted in ((document, False), (for_vmagent(document), True)):
        file.write_text(yaml.safe_dump(known))
        command = [tool("vmagent", newest=True), f"-promscrape.config={file}", "-dryRun"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (checked.returncode == 0) is accepted, checked.stderr
        refused = set(re.findall(r"field (\w+) not found", checked.stderr))
        assert bool(refused) is not accepted
        assert all(f"`{field}`" in said for field in refused)


PROTOCOLS = [
    *("PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"),
]


def test_the_newest_prometheus_stores_the_same_by_each_protocol(programs: Programs) -> None:
    """Without a fallback, so that it takes no answer whose type it does not know."""
    _, config = programs.simulator("--projects=7")
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    targets = [{"targets": [url.removeprefix("http://")]}]
    jobs: list[dict[str, Any]] = [
        {"job_name": each, "scrape_protocols": [each], "static_configs": targets} for each in PROTOCOLS
    ]
    legacy = {"metric_name_validation_scheme": "legacy", "metric_name_escaping_scheme": "underscores"}
    jobs += [{"job_name": "old names", **legacy, "static_configs": targets}]
    jobs += [{"job_name": "probe", "metrics_path": "/probe", "params": {"project": ["vision-prod"]}}]
    jobs[-1]["static_configs"] = targets
    _, server = start_newest(programs, yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    stored = 'count by (job) (last_over_time({__name__=~"frs_.+", __name__!~"frs_exporter_.+"}[1m]))'

    def counts() -> dict[str, int]:
        return {series["metric"]["job"]: int(series["value"][1]) for series in query(server, stored)}

    eventually(lambda: len(counts()) == len(jobs))
    # Each looks at a moment of its own, at which something may be there that was not a second ago.
    eventually(lambda: len({count for job, count in counts().items() if job != "probe"}) == 1)
    assert {series["value"][1] for series in query(server, "up")} == {"1"}


@pytest.mark.parametrize(("start", "renew"), SCRAPERS)
def test_every_project_is_found_and_probed_over_tls_with_a_login(
    programs: Programs, start: Start, renew: Renewal
) -> None:
    """With the documented scrape config: /sd, then /probe for each project, both encrypted and with a password."""
    prepare(programs.folder)
    web_config = put(programs.folder, "tls.good.yml")
    hashed = bcrypt.hashpw(b"correct", bcrypt.gensalt(4)).decode()
    web_config.write_text(f"{web_config.read_text()}basic_auth_users:\n  prometheus: {hashed}\n")
    (programs.folder / "password").write_text("correct")
    _, config = programs.simulator("--poll-interval=2s")
    port = free_port()
    flags = [f"--web.config.file={web_config}", f"--web.listen-address=127.0.0.1:{port}"]
    daemon = programs.exporter(f"--config.file={config}", *flags)
    eventually(lambda: "msg=serving" in daemon.log)

    scrape = (
        (ROOT / "deploy/prometheus/prometheus-probe.yml").read_text().replace("localhost:10377", f"127.0.0.1:{port}")
    )
    access = {
        "basic_auth": {"username": "prometheus", "password_file": f"{programs.folder}/password"},
        "tls_config": {"ca_file": f"{programs.folder}/authority.pem"},
    }
    document = yaml.safe_load(scrape.replace("http://", "https://"))
    for job in document["scrape_configs"]:
        job.update(access, scrape_interval="1s", scrape_timeout="1s")
        for discovery in job.get("http_sd_configs", ()):
            discovery.update(access, refresh_interval="2s")
    document["scrape_configs"][1]["scheme"] = "https"
    scraper, server = start(programs, yaml.safe_dump(document))

    projects = {project["name"] for project in yaml.safe_load(config.read_text())["projects"]}
    probes = f'up{{job="frs-exporter", instance!="127.0.0.1:{port}"}}'
    ups = eventually(lambda: len(found := query(server, f"{probes} == 1")) == len(projects) and found)
    assert {series["metric"]["instance"] for series in ups} == projects
    (search,) = eventually(lambda: query(server, 'frs_subscribed{project="visitor-kiosk", subservice="search"}'))
    assert (search["metric"]["instance"], search["value"][1]) == ("visitor-kiosk", "0")
    assert eventually(lambda: query(server, 'frs_exporter_jobs{job="frs-exporter"}'))[0]["value"][1] == str(
        len(projects)
    )
    ends = eventually(lambda: query(server, "frs_exporter_web_certificate_expiry_timestamp_seconds"))
    assert float(ends[0]["value"][1]) > time.time(), "what FrsWebCertificateExpiring compares"
    assert not query(server, f'frs_up{{instance="127.0.0.1:{port}"}}'), "only the exporter's own metrics were asked for"

    (programs.folder / "password").write_text("wrong")
    renew(programs, scraper, lambda: bool(query(server, f"{probes} == 0")))
    eventually(lambda: len(query(server, f"{probes} == 0")) == len(projects))
