"""What a poll leaves behind: nothing that waits for the collector of garbage."""

import gc

from frs_exporter.polling.exchange import Following
from frs_simulator import Simulator, demo_world
from frs_simulator.faults import Fault
from tests.web.serving import serving


async def test_a_poll_is_let_go_of_when_it_ends() -> None:
    """A request has its trace, which knows by the request what is secret: that is no circle any more."""
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=600.0) as served:
        await served.ready()
        gc.collect()
        gc.disable()
        try:
            for fault in (None, Fault(status=503), Fault(reset=True)):
                simulator.world.faults.set("frs", fault)
                for key in served.exporter.states:
                    await served.exporter.probe([key], 5.0)
            left = [each for each in gc.get_objects() if isinstance(each, Following)]
        finally:
            gc.enable()
        assert left == []
