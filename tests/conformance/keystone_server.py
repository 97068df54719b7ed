"""Makes a Keystone in a new folder and serves it at a port of this machine; PASSWORD is its administrator's.

It runs in the environment of requirements/keystone.txt, where nothing of ours is. Below `/tokens-of-N-seconds` tokens
live for so many seconds, elsewhere for a day, as the vendor's do.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress
from keystone.cmd.bootstrap import Bootstrapper
from keystone.common import fernet_utils
from keystone.common.sql import upgrades
from keystone.conf import CONF
from keystone.server import configure
from keystone.server.flask import core
from keystone.server.flask.application import application_factory

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

CONFIG = """
[database]
connection = sqlite:///{folder}/keystone.db
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
[auth]
methods = password,token,totp
[token]
expiration = {day}
[fernet_tokens]
key_repository = {folder}/keys
[fernet_receipts]
key_repository = {folder}/keys
[security_compliance]
lockout_failure_attempts = 5
lockout_duration = 900
"""
"""Hashes of few rounds and a cache are there for speed. Users are locked as the vendor does it by default."""
DAY = 86400
LIFE = re.compile("/tokens-of-([0-9]+)-seconds(?=/)")


def prepare(folder: Path, password: str) -> None:
    """Make the tables, the key that tokens are encrypted with, and an administrator."""
    upgrades.offline_sync_database_to_version()
    keys = fernet_utils.FernetUtils(str(folder / "keys"), CONF.fernet_tokens.max_active_keys, "fernet_tokens")
    keys.create_key_directory()
    keys.initialize_key_repository()
    first = Bootstrapper()
    first.admin_username = first.project_name = first.admin_role_name = "admin"
    first.admin_password, first.service_name = password, "keystone"
    first.bootstrap()


def with_lives(application: Application) -> Application:
    """Let a path say how long tokens live; requests come one after the other, so that what is set is for one."""

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        life = LIFE.match(environ["PATH_INFO"])
        CONF.set_override("expiration", int(life[1]) if life else DAY, "token")
        if life:
            environ["SCRIPT_NAME"] += life[0]
            environ["PATH_INFO"] = environ["PATH_INFO"][life.end() :]
        return application(environ, start_response)

    return answer


def main(folder: Path, port: str, password: str) -> None:
    """Prepare and serve, in one process: Keystone's own commands would take several times as long."""
    config = folder / "keystone.conf"
    config.write_text(CONFIG.format(folder=folder, day=DAY))
    configure(config_files=[str(config)])
    prepare(folder, password)
    application = core.setup_app_middleware(application_factory())
    waitress.serve(with_lives(application), host="127.0.0.1", port=int(port), threads=1)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    del sys.argv[1:]  # which Keystone would take for its own
    main(Path(arguments[0]), *arguments[1:])
