"""Secrets stay in the process: no core dumps, a word about root, and about files that everybody can read."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from frs_exporter.cli.adhoc import FirstLook, first_look
from frs_exporter.cli.state import FREE_FOLDER, OPEN_STATE, state_file
from frs_exporter.config.load import load
from frs_exporter.config.secret_checks import OPEN_CONFIG, OPEN_FILE
from frs_exporter.runtime.process_safety import CORE_DUMPS, ROOT
from frs_exporter.web.web_config import load_web_config
from tests.e2e.conftest import ROOT as REPOSITORY
from tests.e2e.conftest import free_port

MINIMAL = (REPOSITORY / "tests/config/files/minimal.good.yaml").read_text()
HASH = "$2b$10$" + "a" * 53
HARD = resource.getrlimit(resource.RLIMIT_CORE)[1]
RUN = "import sys; sys.argv = ['frs-exporter', *{arguments!r}]; from frs_exporter.__main__ import main; main()"
FORBIDDEN = "import resource; resource.setrlimit = lambda *_: (_ for _ in ()).throw(ValueError('not here')); "
"""As where a filter for system calls forbids it: nothing else stands in for that in a test that anybody can run."""

needs_limit = pytest.mark.skipif(HARD == 0, reason="nobody may turn core dumps on here")


def said(code: str, *, core: int = 0) -> str:
    """What a Python program says that is allowed core dumps of so many bytes."""

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (core, HARD))

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


@needs_limit
def test_the_program_turns_its_core_dumps_off_and_says_nothing() -> None:
    look = "import atexit, resource; atexit.register(lambda: print(*resource.getrlimit(resource.RLIMIT_CORE))); "
    text = said(look + RUN.format(arguments=["explain", "exit-0"]), core=4096)
    assert text.splitlines()[-1] == f"0 {HARD}", text
    assert CORE_DUMPS not in text


@needs_limit
@pytest.mark.parametrize("arguments", [["--config.check"], [f"--web.listen-address=192.0.2.1:{free_port()}"]])
def test_core_dumps_that_cannot_be_turned_off_are_told_of_once(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(MINIMAL)
    arguments = [f"--config.file={tmp_path}/c.yaml", "--state.directory=none", *arguments]
    assert said(FORBIDDEN + RUN.format(arguments=arguments), core=4096).count(CORE_DUMPS) == 1
    assert CORE_DUMPS not in said(FORBIDDEN + RUN.format(arguments=arguments), core=0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root, and another user")
@pytest.mark.parametrize("command", ["serve", "serve --config.check", "check --collector=subscription"])
def test_root_is_told_of_once_and_nobody_else(command: str, open_folder: Path) -> None:
    text = MINIMAL.replace("secret_key: sk", "secret_key: !env PATH")
    (open_folder / "c.yaml").write_text(text + "endpoints: {frs: 'http://127.0.0.1:9'}\n")
    address = [f"--web.listen-address=192.0.2.1:{free_port()}"] if command == "serve" else []
    arguments = [*command.split(), f"--config.file={open_folder}/c.yaml", "--state.directory=none", *address]
    assert said(RUN.format(arguments=arguments)).count(ROOT) == 1


def test_only_root_is_told_of() -> None:
    code = "import os; from frs_exporter.runtime.process_safety import process_notices; {}print(*process_notices())"
    assert said(code.format("")) == (f"{ROOT}\n" if os.geteuid() == 0 else "\n")
    if os.geteuid() == 0:
        assert said(code.format("os.setuid(65534); ")) == "\n"


def test_a_demo_has_nothing_to_keep_secret() -> None:
    """Nobody is told of root who only tries it, as there is no way from the demo to a secret."""
    text = said(RUN.format(arguments=["demo", f"--web.listen-address=192.0.2.1:{free_port()}"]))
    assert "cannot listen" in text
    assert ROOT not in text


def test_a_config_with_secrets_in_it_that_everybody_can_read_is_told_of(open_folder: Path) -> None:
    config = open_folder / "c.yaml"
    config.write_text(MINIMAL)
    config.chmod(0o644)
    assert [n.text for n in load(str(config)).notices] == [f"credentials.keys.ak_sk.secret_key: {OPEN_CONFIG}"]
    config.write_text(MINIMAL + "http_client: {proxy_url: 'http://user:pw@proxy.example:3128'}\n")
    (notice,) = load(str(config)).notices
    assert notice.text == f"http_client.proxy_url: {OPEN_CONFIG} (and 1 more)"
    config.chmod(0o640)
    assert load(str(config)).notices == ()
    config.chmod(0o644)
    config.write_text(MINIMAL.replace("secret_key: sk", "secret_key: !env PATH"))
    assert load(str(config)).notices == ()
    config.write_text(config.read_text() + "http_client: {proxy_url: 'http://proxy.example:3128'}\n")
    assert load(str(config)).notices == (), "without a login there is no secret in it"


def test_of_several_files_those_are_told_of_that_secrets_stand_in(open_folder: Path) -> None:
    login = "credentials: {user: {token: {domain_name: a, user_name: b, password: pw}}}\n"
    for name, text, mode in (
        ("a", MINIMAL, 0o600),
        ("b", "defaults: {poll_interval: 2m}\n", 0o644),
        ("c", login, 0o644),
    ):
        (open_folder / f"{name}.yaml").write_text(text)
        (open_folder / f"{name}.yaml").chmod(mode)
    (notice,) = load(str(open_folder)).notices
    assert notice.text == f"credentials.user.token.password in {open_folder}/c.yaml:1: {OPEN_CONFIG}"


def test_hashes_in_a_web_config_that_everybody_can_read_are_told_of(open_folder: Path) -> None:
    config = open_folder / "web.yml"
    config.write_text(f"basic_auth_users: {{alice: {HASH}, bob: {HASH}}}\n")
    config.chmod(0o644)
    assert load_web_config(str(config)).notices[-1] == f"basic_auth_users.alice: {OPEN_CONFIG} (and 1 more)"
    config.chmod(0o600)
    assert not any(OPEN_CONFIG in notice for notice in load_web_config(str(config)).notices)


def test_a_token_that_everybody_can_read_is_told_of(open_folder: Path) -> None:
    token = open_folder / "token"
    token.write_text("TOKEN")
    for mode, notices in ((0o644, [f"--token-file {token}: {OPEN_FILE}"]), (0o600, [])):
        token.chmod(mode)
        config = first_look(FirstLook(region="cn-north-4", token_file=str(token)))
        assert [notice.text for notice in config.notices] == notices


def test_a_state_that_others_can_read_or_delete_is_told_of(open_folder: Path) -> None:
    folder = open_folder / "state"
    folder.mkdir(0o755)
    state_file(str(folder)).flush()
    assert state_file(str(folder)).folder.problems == {}
    (folder / "state.json").chmod(0o644)
    assert list(state_file(str(folder)).folder.problems) == [OPEN_STATE]
    folder.chmod(0o777)
    assert list(state_file(str(folder)).folder.problems) == [OPEN_STATE, FREE_FOLDER]
    (folder / "state.json").chmod(0o600)
    folder.chmod(0o1777)
    assert state_file(str(folder)).folder.problems == {}, "with the sticky bit everybody deletes their own files only"
    folder.chmod(0o700)
