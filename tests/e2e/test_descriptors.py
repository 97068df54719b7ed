"""A running daemon that has no file descriptor left just when its files change."""

import contextlib
import re
import resource
import socket

import bcrypt

from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, free_port
from tests.e2e.test_unattended import polled, post, projects, replace_file, without
from tests.polling.living import GOOD

WEB_GOOD = "frs_exporter_web_config_last_reload_successful"


def login(user: str) -> str:
    return f"basic_auth_users: {{{user}: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n"


def test_what_could_not_be_read_is_taken_up_when_it_can_be(programs: Programs) -> None:
    """The files change once, while nothing can be opened; nobody tells the daemon to look again."""
    _, file = programs.simulator("--poll-interval=1s", "--projects=4")
    web = programs.folder / "web.yml"
    web.write_text("http_server_config: {}\n")
    daemon, url = programs.daemon(file, "--config.auto-reload-interval=1s", f"--web.config.file={web}")
    assert len(projects(fetch(f"{url}/metrics"))) == 4
    usual = resource.prlimit(daemon.popen.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.popen.pid, resource.RLIMIT_NOFILE, (4, usual[1]))
    replace_file(file, without(file.read_text(), "vision-prod"))
    replace_file(web, login("alice"))
    refused = 'msg="%s not reloaded".*Too many open files'
    eventually(lambda: re.search(refused % "config", daemon.log) and re.search(refused % "web config", daemon.log))
    resource.prlimit(daemon.popen.pid, resource.RLIMIT_NOFILE, usual)
    eventually(lambda: fetch(f"{url}/metrics") == "user or password is missing or wrong\n")
    basic = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}
    eventually(lambda: projects(fetch(f"{url}/metrics", **basic)) == {"door-access", "visitor-kiosk", "vip-lounge"})
    page = fetch(f"{url}/metrics", **basic)
    assert f"\n{GOOD} 1.0\n" in page
    assert f"\n{WEB_GOOD} 1.0\n" in page
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log


def test_a_crowd_leaves_descriptors_for_polls_and_reloads(programs: Programs) -> None:
    """More connections than the process may have files: half of these are kept back."""
    _, file = programs.simulator("--poll-interval=1s", "--projects=4")
    port = free_port()
    command = [*EXPORTER, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
    daemon, url = programs.start("sh", "-c", 'ulimit -n 128 && exec "$@"', "sh", *command), f"http://127.0.0.1:{port}"
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert post(f"{url}/-/reload")[0] == 200
        polls = polled(url)
        eventually(lambda: polled(url) > polls + 2)
    assert daemon.stop()[0] == 0
    assert "Too many open files" not in daemon.log
