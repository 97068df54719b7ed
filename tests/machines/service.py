"""The exporter as a service of a booted machine, installed by the commands of its README."""

import json
import re
from dataclasses import dataclass

import yaml

from tests.e2e.conftest import ROOT, eventually
from tests.machines.booted import Machine

README = (ROOT / "deploy/systemd/README.md").read_text()
BLOCKS = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)
DROP_INS = "/etc/systemd/system/frs-exporter.service.d"
CONFIG, SECRET = "/etc/frs-exporter/config.yaml", "/etc/frs-exporter/secrets/frs-password"
CLOUD = "http://127.0.0.1:10400"
PIP = "export PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels; cd /src"
CURL = """python3 -c '
import sys, urllib.request as asked
data = [text.encode() for text in sys.argv[2:]] or [None]
print(asked.urlopen(asked.Request(sys.argv[1], data[0]), timeout=9).read().decode())'"""
MADE_QUICK = "[Service]\nWatchdogSec=3s\nRestartSec=100ms\nTimeoutStopSec=5s\n"
"""So that a test need not wait for a minute."""


@dataclass(frozen=True, slots=True)
class Service:
    """The exporter as a service of a machine that has a simulated cloud beside it."""

    machine: Machine
    config: str
    password: str

    def drop_in(self, name: str, text: str) -> None:
        self.machine.write(f"{DROP_INS}/{name}.conf", text)
        self.machine.run("systemctl daemon-reload")

    def get(self, path: str) -> str:
        """A page of the exporter; raises OSError where it does not answer."""
        done = self.machine.run(f"{CURL} http://127.0.0.1:10377{path}", check=False)
        if done.returncode:
            raise OSError(done.stderr[-200:])
        return done.stdout

    def order(self, **what: object) -> None:
        """Let something happen in the cloud."""
        self.machine.run(f"{CURL} {CLOUD}/_simulator/faults '{json.dumps(what)}'")

    def is_up(self) -> bool:
        return bool(re.search(r'^frs_up\{[^}]*collector="subscription"[^}]*\} 1', self.get("/metrics"), re.MULTILINE))

    def known(self, *names: str) -> list[str]:
        """Properties of the unit, in the order of their names here."""
        found = self.machine.properties("frs-exporter", *names)
        return [found[name] for name in names]

    def status_of_process(self) -> dict[str, str]:
        (process,) = self.known("MainPID")
        lines = self.machine.says(f"cat /proc/{process}/status").splitlines()
        return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}

    def settle(self) -> None:
        """Its config and its secret as they were, and running."""
        self.machine.write(CONFIG, self.config)
        self.machine.write(SECRET, self.password, 0o600)
        self.machine.run(f"rm -f {DROP_INS}/test-*.conf; systemctl daemon-reload; systemctl reset-failed")
        self.machine.run(
            "systemctl stop frs-exporter; rm -rf /var/lib/private/frs-exporter/*; systemctl start frs-exporter"
        )
        eventually(self.is_up)


def installation() -> list[str]:
    """What the README has a person type, before and from the config that is to be edited."""
    (block,) = re.findall(r"```sh\n(.*?)```", README.partition("**Secrets**")[0], re.DOTALL)
    before, edited, after = block.partition("# then edit it\n")
    assert edited
    return [before, after]


def install_service(machine: Machine) -> Service:
    """Installed by the README's own commands, with a secret and a drop-in of its own words."""
    first, second = installation()
    machine.run(f"{PIP}\n{first}")
    service = beside_a_cloud(machine)
    machine.run(f"cd /src\n{second}")
    return service


def beside_a_cloud(machine: Machine) -> Service:
    """A simulated cloud that runs, and a config and a secret for it, where the program is there."""
    machine.run(
        "systemd-run --quiet --unit=cloud --property=StandardOutput=file:/root/cloud.yaml --property=DynamicUser=yes "
        "/opt/frs-exporter/bin/frs-exporter simulate --listen-address=127.0.0.1:10400"
    )
    printed = eventually(
        lambda: re.match(r"(?ms)(.*)^accounts:", machine.run("cat /root/cloud.yaml", check=False).stdout)
    )
    cloud = yaml.safe_load(printed[1])
    (project,) = (each for each in cloud["projects"] if each["name"] == "vision-prod")
    del project["month_budget_cny"], cloud["credentials"]["globex"]
    cloud["projects"] = [project | {"collectors": ["subscription"]}]
    password = cloud["credentials"]["acme"]["token"]["password"]
    (setting,) = re.findall(r"```yaml\npassword: (.*)\n```", README)
    config = yaml.safe_dump(cloud).replace(f"password: {password}", f"password: {setting}")
    assert setting in config
    service = Service(machine, config, password)
    machine.write(CONFIG, config)
    machine.write(SECRET, password, 0o600)
    service.drop_in("secret", next(block for block in BLOCKS if "LoadCredential=" in block))
    service.drop_in("quick", MADE_QUICK)
    return service
