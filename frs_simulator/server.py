"""The simulator as a server, and the config that works against it."""

import socket
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml
from aiohttp import web

from frs_simulator import agencies, billing, cce, cloud_eye, control, ecs, frs, iam, pictures, sts, tokens
from frs_simulator.gateway import WORLD, gateway
from frs_simulator.money import Billing
from frs_simulator.own_pages import own_pages_only
from frs_simulator.world import TOKEN_LENGTH, Account, World

Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
COUNTED = {"collectors": ["subscription", "face_sets", "cloud_eye"], "month_budget_cny": 5000}
"""What the config says of projects whose calls are counted."""


class Simulator:
    """A cloud at `url`, once started; a context manager that starts and stops it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = ""
        app = web.Application(middlewares=[gateway])
        app[WORLD] = world
        for region in ("", "/{region:[a-z]+-[a-z]+-[0-9]+}"):  # one address may serve all, told apart by their path
            app.router.add_post(f"{region}/v3/auth/tokens", tokens.create_token)
            app.router.add_post(f"{region}{agencies.PATH}", agencies.security_tokens)
            app.router.add_get(f"{region}/v3/auth/projects", iam.auth_projects)
            app.router.add_get(f"{region}/v3/auth/domains", iam.auth_domains)
            app.router.add_get(f"{region}/v3/projects", iam.list_projects)
            app.router.add_get(f"{region}/v3/projects/{{project_id}}", iam.show_project)
            app.router.add_get(f"{region}/v1/{{project_id}}/subscribe", frs.subscribe)
            app.router.add_get(f"{region}/v2/{{project_id}}/face-sets", frs.face_sets)
            app.router.add_get(f"{region}/v2/{{project_id}}/face-sets/{{name}}", frs.face_set)
            for path, subservice in pictures.PATHS:
                app.router.add_post(f"{region}{path}", pictures.handler(subservice))
            app.router.add_get(f"{region}/V1.0/{{project_id}}/metrics", cloud_eye.metrics)
            app.router.add_get(f"{region}/V1.0/{{project_id}}/metric-data", cloud_eye.metric_data)
            app.router.add_post(f"{region}/V1.0/{{project_id}}/batch-query-metric-data", cloud_eye.batch_query)
        app.router.add_put("/meta-data/latest/api/token", ecs.create_token)
        app.router.add_get("/openstack/latest/securitykey", ecs.security_key)
        app.router.add_post(cce.PATH, cce.credentials)
        app.router.add_post(sts.PATH, sts.assume_with_oidc)
        app.router.add_get(sts.IDENTITY, sts.caller_identity)
        for name, api in billing.APIS.items():
            app.router.add_route(api.method, api.path, billing.handler(name))
        app.router.add_get(control.PATH, control.show)
        app.router.add_post(control.PATH, own_pages_only(control.change))
        app.router.add_delete(control.PATH, own_pages_only(control.clear))
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True, max_field_size=2 * TOKEN_LENGTH
        )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._name(host)

    async def serve(self, host: str, sockets: Iterable[socket.socket]) -> None:
        """Serve at sockets that listen at a host."""
        await self._runner.setup()
        for sock in sockets:
            await web.SockSite(self._runner, sock).start()
        self._name(host)

    def _name(self, host: str) -> None:
        port = self._runner.addresses[0][1]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close every connection."""
        await self._runner.cleanup()

    async def __aenter__(self) -> "Simulator":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def config_text(world: World, url: str, poll_interval: str = "10s") -> str:
    """A complete config file for all projects of the world and all its accounts that have money, secrets inline."""
    config: dict[str, Any] = {
        "defaults": {"poll_interval": poll_interval, "require": ["detect", "compare", "search"]},
        "credentials": {account.domain_name: credential(account, url) for account in world.accounts},
        "projects": [
            {
                "name": project.name,
                "project_id": project.id,
                "region": project.region,
                "credential": account.domain_name,
                "labels": {"team": account.domain_name},
                **(deepcopy(COUNTED) if project.traffic.calls else {}),
            }
            for account, project in world.projects()
        ],
        "endpoints": {"frs": url, "iam": url, "ces": url},
    }
    watched = [account for account in world.accounts if account.billing != Billing()]
    if watched:
        config["accounts"] = [account_entry(account, url) for account in watched]
    text: str = yaml.dump(config, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return f"# frs_exporter config for the simulator at {url}\n{text}"


def account_entry(account: Account, url: str) -> dict[str, Any]:
    """An account's entry under `accounts`."""
    return {
        "name": f"{account.domain_name}-account",
        "credential": account.domain_name,
        "endpoint": url,
        "collectors": ["billing", "vouchers"],
        "poll_interval": "10m",
    }


def credential(account: Account, url: str) -> dict[str, Any]:
    """An account's entry under `credentials`."""
    if account.kind == "ecs_agency":
        return {"ecs_agency": {"endpoint": url}}
    if account.kind == "pod_identity":
        return {"pod_identity": {"uri": f"{url}{cce.PATH}"}}
    if account.kind == "token":
        login = {"domain_name": account.domain_name, "user_name": account.user_name, "password": account.password}
        return {"token": login}
    return {"ak_sk": {"access_key": account.access_key, "secret_key": account.secret_key}}
