"""The unit under systemd itself, installed as its README says: what it may do, and when it is started anew."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import eventually
from tests.machines.service import BLOCKS, CONFIG, CURL, README, SECRET, Service

pytestmark = pytest.mark.timeout(1200)  # the first one to run waits for a Debian to be made


def test_it_runs_as_the_readme_installs_it(installed: Service) -> None:
    """And systemd knows when it serves, and how its jobs are."""
    eventually(installed.is_up)
    eventually(lambda: installed.known("StatusText") == ["1 of 1 jobs up"])
    assert installed.known("Type", "ActiveState", "UnitFileState", "NRestarts") == ["notify", "active", "enabled", "0"]
    log = installed.machine.says("journalctl --unit=frs-exporter --output=cat")
    assert "serving" in log
    assert "level=warning" not in log, log
    assert installed.password not in log


def test_it_may_do_little(installed: Service) -> None:
    status = installed.status_of_process()
    (user,) = set(status["Uid"].split())
    assert 61184 <= int(user) <= 65519, "a user that systemd has made up"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    process = installed.known("MainPID")[0]
    limits = installed.machine.says(f"cat /proc/{process}/limits")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    mounts = installed.machine.says(f"cat /proc/{process}/mountinfo")
    options = {line.split()[4]: line.split()[5].split(",") for line in mounts.splitlines()}
    assert "ro" in options["/"]
    assert "rw" in options["/var/lib/private/frs-exporter"]
    exposure = installed.machine.says("systemd-analyze security frs-exporter")
    level = re.search(r"Overall exposure level for frs-exporter.service: ([\d.]+)", exposure)
    assert level
    assert float(level[1]) < 1.5


def test_it_takes_a_small_part_of_the_memory_it_may_take(installed: Service) -> None:
    most, swap = installed.known("MemoryMax", "MemorySwapMax")
    peak = int(installed.status_of_process()["VmHWM"].split()[0]) * 1024
    print(f"at most {peak / 2**20:.0f} MiB")
    assert (int(most), swap) == (512 * 2**20, "0")
    assert peak < int(most) / 4


def test_its_secret_is_for_root_and_for_it_alone(installed: Service) -> None:
    assert installed.machine.says(f"stat --format='%a %U' {SECRET}") == "600 root"
    as_nobody = "setpriv --reuid=65534 --clear-groups cat /run/credentials/frs-exporter.service/frs-password"
    assert installed.machine.run(as_nobody, check=False).returncode == 1


def test_a_new_secret_comes_with_a_restart(service: Service) -> None:
    """As the README says: systemd hands secrets over at the start."""
    new = "Another-1-password"
    service.order(project="vision-prod", new_secrets={"acme": new})
    try:
        eventually(lambda: not service.is_up())
        service.machine.write(SECRET, new, 0o600)
        service.machine.run("systemctl restart frs-exporter")
        eventually(service.is_up)
    finally:
        service.order(new_secrets={"acme": service.password})


def test_a_reload_takes_up_a_config_and_a_wrong_one_changes_nothing(service: Service) -> None:
    service.machine.write(CONFIG, service.config.replace("vision-prod", "vision-new"))
    service.machine.run("systemctl reload frs-exporter")
    eventually(lambda: 'project="vision-new"' in service.get("/metrics"))
    service.machine.write(CONFIG, service.config + "bogus: 1\n")
    service.machine.run("systemctl reload frs-exporter")
    eventually(lambda: "the config cannot be used, the one before is in force" in service.known("StatusText")[0])
    assert 'project="vision-new"' in service.get("/metrics")
    assert service.known("ActiveState", "NRestarts") == ["active", "0"]


def test_a_reload_can_be_waited_for(service: Service) -> None:
    """With systemd 253 or newer, by the drop-in of the README."""
    if version(service) < 253:
        pytest.skip("Type=notify-reload needs systemd 253")
    service.drop_in("test-reload", next(block for block in BLOCKS if "notify-reload" in block))
    service.machine.run("systemctl restart frs-exporter")
    for name in ("vision-one", "vision-two"):
        service.machine.write(CONFIG, service.config.replace("vision-prod", name))
        service.machine.run("systemctl reload frs-exporter")
        assert f'project="{name}"' in service.get("/metrics"), "it was not waited for"
    service.machine.write(CONFIG, service.config + "bogus: 1\n")
    service.machine.run("systemctl reload frs-exporter")
    assert "the one before is in force" in service.known("StatusText")[0]


def version(service: Service) -> int:
    return int(service.machine.says("systemctl --version").split()[1])


def test_a_process_that_hangs_is_killed_and_started_anew(service: Service) -> None:
    before = service.status_of_process()["Pid"]
    service.machine.run(f"kill -STOP {before}")
    eventually(lambda: service.known("NRestarts", "ActiveState") == ["1", "active"])
    assert service.status_of_process()["Pid"] != before
    assert "watchdog" in service.machine.says("journalctl --unit=frs-exporter --output=cat --lines=50").lower()
    eventually(service.is_up)


def test_a_crash_is_followed_by_a_start(service: Service) -> None:
    for restarts, signal in enumerate(("KILL", "SEGV"), start=1):
        service.machine.run(f"kill -{signal} {service.known('MainPID')[0]}")
        eventually(lambda: service.known("NRestarts", "ActiveState") == [str(restarts), "active"])  # noqa: B023
    eventually(service.is_up)


def test_a_mistake_in_the_config_is_no_reason_to_start_again(service: Service) -> None:
    """It stays one; and once it is corrected a start is all it takes."""
    service.machine.write(CONFIG, service.config + "bogus: 1\n")
    assert service.machine.run("systemctl restart frs-exporter", check=False).returncode == 1
    failed = ["failed", "exit-code", "2", "0"]
    for _ in range(2):
        assert service.known("ActiveState", "Result", "ExecMainStatus", "NRestarts") == failed
        service.machine.run("sleep 0.5")  # five times as long as it would wait
    service.machine.write(CONFIG, service.config)
    service.machine.run("systemctl start frs-exporter")
    eventually(service.is_up)


def test_an_address_that_is_taken_is_tried_again(service: Service) -> None:
    """Whoever has it may go."""
    service.machine.run("systemctl stop frs-exporter")
    listen = "import socket, time; s = socket.create_server(('', 10377)); time.sleep(100)"
    service.machine.run(f'systemd-run --quiet --unit=taker /opt/frs-exporter/bin/python3 -c "{listen}"')
    service.machine.run("systemctl start --no-block frs-exporter")
    eventually(lambda: int(service.known("NRestarts")[0]) >= 1)
    service.machine.run("systemctl stop taker")
    eventually(service.is_up)


def test_a_stop_takes_no_time(service: Service) -> None:
    service.machine.run("systemctl stop frs-exporter")
    assert service.known("ActiveState", "Result", "ExecMainStatus") == ["inactive", "success", "0"]


def check_command() -> str:
    """How the README has a config checked whose secrets only the service sees."""
    (command,) = re.findall(r"```sh\n(systemd-run .*?)```", README, re.DOTALL)
    return str(command)


def test_a_config_can_be_checked_while_the_service_is_down(service: Service) -> None:
    service.machine.run("systemctl stop frs-exporter")
    plain = f"/opt/frs-exporter/bin/frs-exporter --config.check --config.file={CONFIG}"
    assert "No such file" in service.machine.run(plain, check=False).stderr
    assert "good: 1 project" in service.machine.run(check_command()).stdout
    service.machine.write(CONFIG, service.config + "bogus: 1\n")
    wrong = service.machine.run(check_command(), check=False)
    assert wrong.returncode == 2
    assert "bogus: unknown key" in wrong.stdout + wrong.stderr


def test_a_refused_secret_is_not_tried_again_by_a_restart(service: Service) -> None:
    """Ten restarts would be ten wrong passwords, and the vendor would lock the user."""
    service.machine.write(SECRET, "Wrong-1-password", 0o600)
    service.machine.run("systemctl restart frs-exporter")
    rejected = 'frs_exporter_credential_rejected{credential="acme"} 1'
    eventually(lambda: rejected in service.get("/metrics"))
    asked = logins(service)
    assert asked >= 1
    for how in ("systemctl restart frs-exporter", "systemctl kill --signal=KILL frs-exporter"):
        service.machine.run(how)
        eventually(lambda: rejected in service.get("/metrics"))
    assert logins(service) == 0, "since the last start"
    seen = service.machine.says("stat --format='%a %F' /var/lib/private/frs-exporter/*")
    assert set(seen.splitlines()) <= {"600 regular file", "600 regular empty file"}, seen
    state = service.machine.says("cat /var/lib/private/frs-exporter/*")
    assert "Wrong-1-password" not in state


def logins(service: Service) -> int:
    """How many requests this process has sent to IAM."""
    found = re.findall(r'^frs_exporter_api_requests_total\{api="iam".*\} (\d+)', service.get("/metrics"), re.MULTILINE)
    return sum(map(int, found))


def test_it_can_be_kept_from_other_addresses_and_ports(service: Service) -> None:
    """By the drop-in of the README; what is not in its lists is not reached."""
    text = next(block for block in BLOCKS if "IPAddressDeny=" in block)
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    service.drop_in("test-net", "\n".join(lines))
    service.machine.run("systemctl restart frs-exporter")
    eventually(service.is_up)
    service.drop_in("test-other", "[Service]\nIPAddressAllow=\nIPAddressAllow=192.0.2.1\n")
    service.machine.run("systemctl restart frs-exporter")
    assert service.machine.run(f"timeout 2 {CURL} http://127.0.0.1:10377/", check=False).returncode
    if "-BPF_FRAMEWORK" in service.machine.says("systemctl --version"):
        pytest.skip("this systemd was built without BPF, which SocketBindDeny= needs: addresses were looked at alone")
    service.drop_in("test-other", "[Service]\nSocketBindAllow=\nSocketBindAllow=tcp:99\n")
    service.machine.run("systemctl restart frs-exporter", check=False)
    assert "cannot listen on" in service.machine.says("journalctl --unit=frs-exporter --output=cat --lines=20")


@pytest.fixture
def listening(service: Service) -> Iterator[Service]:
    """The service with its socket unit, stopped; systemd listens."""
    machine = service.machine
    machine.write("/etc/default/frs-exporter", 'FRS_EXPORTER_FLAGS="--web.systemd-socket"\n')
    machine.run("install -m 0644 /src/deploy/systemd/frs-exporter.socket /etc/systemd/system/; systemctl daemon-reload")
    machine.run("systemctl stop frs-exporter; systemctl start frs-exporter.socket")
    yield service
    machine.run("systemctl stop frs-exporter.socket frs-exporter")
    machine.run("install -m 0644 /src/deploy/systemd/frs-exporter.default /etc/default/frs-exporter")


def test_the_first_who_asks_starts_it_and_a_restart_refuses_nobody(listening: Service) -> None:
    assert listening.known("ActiveState") == ["inactive"]
    assert listening.get("/-/healthy").startswith("healthy")
    listening.machine.run("systemctl restart --no-block frs-exporter")
    for _ in range(10):
        assert listening.get("/-/healthy").startswith("healthy")


def test_with_a_mistake_who_asks_starts_it_once_not_for_ever(listening: Service) -> None:
    """Who waits at a socket would have it started again and again, until systemd would listen no more."""
    listening.machine.write(CONFIG, listening.config + "bogus: 1\n")
    since = listening.machine.says("date +%s.%N")
    with pytest.raises(OSError, match=r"Error|reset|closed|timed out"):
        listening.get("/-/healthy")
    listening.machine.run("sleep 3")
    log = listening.machine.says(f"journalctl --unit=frs-exporter --output=cat --since=@{since}")
    assert log.count("Starting frs-exporter") == 1, log
    assert listening.machine.says("systemctl is-active frs-exporter.socket") == "active"
    listening.machine.write(CONFIG, listening.config)
    eventually(lambda: listening.get("/-/healthy").startswith("healthy"))
