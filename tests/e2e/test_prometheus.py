"""A real Prometheus scrapes the daemon, which polls the simulator with real tokens and real signatures."""

import subprocess
import time

import bcrypt
import pytest
import yaml

from tests.e2e.conftest import EXPORTER, ROOT, Process, Programs, eventually, fetch, free_port, query, tool
from tests.web.authority import prepare, put


def start_prometheus(programs: Programs, scrape: str) -> tuple[Process, str]:
    """A Prometheus with a config that answers, and its URL."""
    (programs.folder / "prometheus.yml").write_text(scrape)
    port = free_port()
    process = programs.start(
        tool("prometheus"),
        f"--config.file={programs.folder}/prometheus.yml",
        f"--storage.tsdb.path={programs.folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: "is Ready" in fetch(f"{url}/-/ready"))
    return process, url


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
    promtool = tool("promtool")
    _, config = programs.simulator()
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    page = fetch(f"{url}/metrics")
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-probe.yml"])
def test_promtool_accepts_the_scrape_config(name: str) -> None:
    command = [tool("promtool"), "check", "config", "--syntax-only", str(ROOT / "deploy/prometheus" / name)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_prometheus_finds_and_probes_every_project_over_tls_with_a_login(programs: Programs) -> None:
    """With the documented scrape config: /sd, then /probe for each project, both encrypted and with a password."""
    prepare(programs.folder)
    web_config = put(programs.folder, "tls.good.yml")
    hashed = bcrypt.hashpw(b"correct", bcrypt.gensalt(4)).decode()
    web_config.write_text(f"{web_config.read_text()}basic_auth_users:\n  prometheus: {hashed}\n")
    (programs.folder / "password").write_text("correct")
    _, config = programs.simulator("--poll-interval=2s")
    port = free_port()
    flags = [f"--web.config.file={web_config}", f"--web.listen-address=127.0.0.1:{port}"]
    daemon = programs.start(*EXPORTER, f"--config.file={config}", *flags)
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
    _, server = start_prometheus(programs, yaml.safe_dump(document))

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
    eventually(lambda: len(query(server, f"{probes} == 0")) == len(projects))
