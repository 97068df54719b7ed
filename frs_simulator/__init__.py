"""Huawei Cloud on loopback: a real server that verifies tokens and signatures, for demos and tests.

Codes, bodies and limits are the vendor's as far as they are published; with the exporter it shares nothing but
`cloud.signing`.
"""

from frs_simulator.demo import demo_world
from frs_simulator.server import Simulator
from frs_simulator.world import Account, Project, World

__all__ = ["Account", "Project", "Simulator", "World", "demo_world"]
