"""The landing page in a real browser."""

import subprocess

from tests.e2e.conftest import ROOT, Programs, eventually, fetch, tool


def test_the_landing_page(programs: Programs) -> None:
    chromium = tool("chromium")
    _, config = programs.simulator()
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    (ROOT / "screenshots").mkdir(exist_ok=True)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--window-size=800,500"]
    flags += [f"--user-data-dir={programs.folder}/profile", f"--screenshot={ROOT}/screenshots/landing.png"]
    run = subprocess.run([chromium, *flags, "--dump-dom", url], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert "6 of 6 jobs are up" in run.stdout
    assert '<a href="/metrics">Metrics</a>' in run.stdout
    assert (ROOT / "screenshots/landing.png").stat().st_size > 5_000
