"""A real Prometheus scrapes the daemon, which polls the simulator with real tokens and real signatures."""

import subprocess

import yaml

from tests.e2e.conftest import ROOT, Programs, eventually, fetch, free_port, query, tool


def test_prometheus_stores_the_subscription_of_every_project(programs: Programs) -> None:
    prometheus = tool("prometheus")
    _, config = programs.simulator("--poll-interval=2s")
    _, url = programs.daemon(config)
    projects = {project["name"] for project in yaml.safe_load(config.read_text())["projects"]}
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")

    scrape = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    scrape = "global: {scrape_interval: 1s}\n" + scrape.replace("localhost:10377", url.removeprefix("http://"))
    (programs.folder / "prometheus.yml").write_text(scrape)
    port = free_port()
    programs.start(
        prometheus,
        f"--config.file={programs.folder}/prometheus.yml",
        f"--storage.tsdb.path={programs.folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    server = f"http://127.0.0.1:{port}"
    subscribed = eventually(lambda: query(server, "frs_subscribed"))
    values = {(s["metric"]["project"], s["metric"]["subservice"]): s["value"][1] for s in subscribed}
    assert {project for project, _ in values} == projects
    assert values["visitor-kiosk", "search"] == "0"
    assert values["vision-prod", "search"] == "1"
    assert values["new-branch", "detect"] == "0"
    assert values["door-access", "face_quality"] == "1"
    ups = {s["metric"]["project"]: s["value"][1] for s in query(server, "frs_up")}
    assert ups == dict.fromkeys(projects, "1")
    off = query(server, "frs_subservice_required unless on(project, subservice) frs_subscribed == 1")
    assert {s["metric"]["project"] for s in off} == {"visitor-kiosk", "new-branch"}
    frozen = eventually(lambda: query(server, "frs_service_frozen == 1"))
    assert [s["metric"]["project"] for s in frozen] == ["in-arrears"]
    assert [s["metric"]["project"] for s in query(server, "frs_up == 0")] == ["in-arrears"]
    (why,) = query(server, "frs_poll_error_info")
    assert (why["metric"]["reason"], why["metric"]["code"]) == ("frozen", "FRS.0202")
    joined = query(server, "frs_up * on(project) group_left(team, region) frs_project_info")
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


def test_promtool_accepts_the_scrape_config() -> None:
    command = [tool("promtool"), "check", "config", "--syntax-only", str(ROOT / "deploy/prometheus/prometheus.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
