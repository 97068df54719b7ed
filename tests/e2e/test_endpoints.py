"""Every endpoint and method, as the table of docs/operations.md has them, walked through with curl."""

import re
import subprocess

from tests.e2e.conftest import ROOT, Programs, eventually, fetch, tool

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
QUERIES = {"/probe": "?project=vision-prod", "/-/retry": "?credential=acme"}


def curl(url: str, method: str) -> tuple[int, dict[str, str], str]:
    """Status, headers by lower-case name, and body."""
    how = ["--head"] if method == "HEAD" else ["--request", method]
    command = [tool("curl"), "--silent", "--show-error", "--include", "--max-time", "10", *how, url]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    head, _, body = run.stdout.partition("\n\n")
    first, *lines = head.splitlines()
    return int(first.split()[1]), {line.partition(":")[0].lower(): line.partition(": ")[2] for line in lines}, body


def test_what_the_table_says_is_what_curl_gets(programs: Programs) -> None:
    table = re.findall(
        r"^\| `(/[^`?]*)[^`]*` \| ([A-Z, ]+) \| ([0-9, ]+) \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    assert len(table) == 11
    _, config = programs.simulator()
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    for listed_path, methods, statuses in table:
        path = listed_path.replace("NAME", "vision-prod").replace("ALERT", "FrsServiceFrozen")
        allowed, expected = methods.split(", "), int(statuses.split(", ")[0])
        for method in METHODS:
            status, headers, body = curl(f"{url}{path}{QUERIES.get(path, '')}", method)
            assert status == (expected if method in allowed else 405), (path, method)
            assert headers["x-content-type-options"] == "nosniff"
            if status == 405:
                assert set(headers["allow"].split(",")) == set(allowed)
            assert bool(body) is (method != "HEAD")
    for path in ("/metrics/", "//metrics", "//"):
        assert curl(f"{url}{path}", "GET")[0] == 200, path
    for path in ("/nowhere", "/-/", "/probe/x", "/%2e%2e/etc/passwd", "/static/status.css"):
        for method in METHODS:
            assert curl(f"{url}{path}", method)[0] == 404, path
