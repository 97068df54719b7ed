"""What is wrong in a world when the vendor's clients ask it, whichever service they ask."""

from frs_simulator import World

CLIENT, SERVER = "ClientRequestException", "ServerResponseException"
"""The classes of their errors."""


def wrong_key(world: World) -> None:
    world.accounts[0].secret_key = "another"


def another_users_now(world: World) -> None:
    """The project that is asked about is no more the user's."""
    world.accounts[0].projects[0].id = "elsewhere"


def skewed(world: World) -> None:
    world.clock_offset = -1000.0
