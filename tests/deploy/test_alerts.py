"""What goes wrong is told by the right alert, through the real Prometheus and Alertmanager, and is over when it is."""

import signal

import pytest

from tests.deploy.stack import Stack, about

OF_THE_DEMO = {
    ("FrsRequiredSubserviceMissing", "visitor-kiosk"),
    ("FrsRequiredSubserviceMissing", "new-branch"),
    ("FrsServiceFrozen", "in-arrears"),
    ("FrsFaceSetFull", "vision-prod"),
    ("FrsFaceSetNearlyFull", "door-access"),
    ("FrsFaceSetQuotaNearlyUsed", "door-access"),
    ("FrsPackageExpires", "acme-account"),
}
"""What is wrong from the start."""

KNOWN_BY_DATES = {("FrsPackageExpires", "acme-account")}
"""What resolves as soon as it is not known; all else of it is so until it is known otherwise."""

FAULTS = {
    "fleet-00001": ({"status": 503, "code": "APIGW.0613"}, "FrsPollFailing"),
    "fleet-00002": ({"reset": True}, "FrsPollFailing"),
    "fleet-00003": ({"status": 429, "code": "APIG.0308"}, "FrsThrottled"),
    "fleet-00004": ({"status": 404, "code": "APIG.0101"}, "FrsApiAbsent"),
    "fleet-00005": ({"status": 403, "code": "FRS.0403"}, "FrsAuthFailing"),
    "fleet-00006": ({"body": "<html>please log in</html>", "content_type": "text/html"}, "FrsPollFailing"),
}
"""By project: what happens to its requests, and the alert that tells of it."""


@pytest.fixture(autouse=True)
def _calm(it: Stack) -> None:
    """Each test begins when nothing is wrong but what is from the start."""
    it.until(lambda told: told.now() == OF_THE_DEMO)


def test_each_fault_is_told_by_its_alert_and_is_over_when_it_is(it: Stack) -> None:
    for project, (fault, _) in FAULTS.items():
        it.order(project=project, fault=fault)
    expected = {(alert, project) for project, (_, alert) in FAULTS.items()}
    it.until(lambda told: expected <= told.now())
    # A refusal, and an API that is not there, say why data is stale: only of the others that is told, too.
    stale = {("FrsDataStale", project) for alert, project in expected if alert in ("FrsPollFailing", "FrsThrottled")}
    it.until(lambda told: told.now() == OF_THE_DEMO | expected | stale)
    assert it.told.ever("firing") == OF_THE_DEMO | expected | stale, "nothing else was told"
    for project in FAULTS:
        it.order(project=project, fault=None)
    it.ask_again(*FAULTS)
    it.until(lambda told: told.now() == OF_THE_DEMO)
    assert it.told.ever("resolved") >= expected | stale


def test_a_sub_service_is_switched_off_and_a_face_set_fills(it: Stack) -> None:
    it.order(project="vip-lounge", subscribed={"search": False})
    it.order(project="vision-prod", faces={"visitors": 85_000})
    new = {("FrsRequiredSubserviceMissing", "vip-lounge"), ("FrsFaceSetNearlyFull", "vision-prod")}
    it.until(lambda told: told.now() == OF_THE_DEMO | new)
    told = "告警：search of vip-lounge is required and off"
    it.until(lambda _: any(told in text for text in it.told.messages))
    (message,) = {text for text in it.told.messages if told in text}
    counts, runbook, *lines = message.split("\n")
    assert counts.startswith("FrsRequiredSubserviceMissing：告警 ")
    assert runbook == "https://runbooks.example.com/frs-exporter#frsrequiredsubservicemissing"
    several = [line for line in lines if line.startswith("告警：")]
    page = f"http://127.0.0.1:{it.port}/" + ("" if len(several) > 3 else "project?name=vip-lounge")
    assert page in lines
    it.order(project="vip-lounge", subscribed={"search": True, "live_detect": True})
    it.order(project="vision-prod", faces={"visitors": 12_750})
    it.until(lambda told: told.now() == OF_THE_DEMO)
    it.until(lambda told: any("恢复：search of vip-lounge is required and off" in text for text in told.messages))
    it.order(project="vip-lounge", subscribed={"live_detect": False})
    it.until(lambda told: ("FrsSubserviceLost", "vip-lounge") in told.now())
    it.order(project="vip-lounge", subscribed={"live_detect": True})


def test_a_dead_key_is_told_once_not_for_each_of_its_projects(it: Stack) -> None:
    right = it.config["credentials"]["globex"]["ak_sk"]["secret_key"]
    it.order(new_secrets={"globex": "another-secret-key"})
    it.until(lambda told: ("FrsCredentialRejected", "globex") in told.now())
    it.config["credentials"]["globex"]["ak_sk"]["secret_key"] = "another-secret-key"
    it.write_config()
    it.reload()
    it.until(lambda told: told.now() == OF_THE_DEMO)
    of_globex = {"vip-lounge", "new-branch", "in-arrears"}
    assert not {("FrsAuthFailing", project) for project in of_globex} & it.told.ever("firing")
    assert right != it.config["credentials"]["globex"]["ak_sk"]["secret_key"]


def test_a_clock_that_is_off_and_a_config_with_a_mistake(it: Stack) -> None:
    it.order(clock_offset=120)
    good = it.config_file.read_text()
    it.config_file.write_text(good.replace("poll_interval: 2s", "poll_interval: 2"))
    with pytest.raises(OSError, match="500"):
        it.reload()
    it.until(lambda told: {name for name, _ in told.now()} >= {"FrsClockSkewed", "FrsConfigReloadFailed"})
    it.order(clock_offset=0)
    it.config_file.write_text(good)
    it.reload()
    it.until(lambda told: told.now() == OF_THE_DEMO)


def test_an_exporter_that_is_killed_and_one_shard_of_two(it: Stack) -> None:
    before = len(it.told.alerts)
    it.exporter.stop(signal.SIGKILL)
    it.until(lambda told: told.now() == OF_THE_DEMO - KNOWN_BY_DATES | {("FrsExporterDown", "frs")})
    since = {about(alert["labels"]) for alert in it.told.alerts[before:] if alert["status"] == "resolved"}
    assert since <= KNOWN_BY_DATES, "nothing is known to be well"
    it.exporter = it.start_exporter()
    it.until(lambda told: told.now() == OF_THE_DEMO)
    shards = [it.start_shard(0, of=2)]
    it.until(lambda told: ("FrsShardMissing", "shards") in told.now())
    shards.append(it.start_shard(1, of=2))
    it.until(lambda told: ("FrsShardMissing", "shards") not in told.now())
    it.shards.clear()
    it.show_shards()
    for shard in shards:
        shard.stop()
