"""Service: a source, a worker and sinks, until a signal or the end of the readings ends them."""

import asyncio
import logging
import math
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from seq2point.limits import ABSURD_W
from seq2point.live.readings import (
    AHEAD_S,
    EARLIEST_S,
    LATEST_S,
    Reading,
    Source,
    clean_readings,
    find_latest_s,
)
from seq2point.live.sinks.sink import Sink
from seq2point.live.updates import Update
from seq2point.live.worker import Worker
from seq2point.recording.coverage import DAY_S
from seq2point.system.service_manager import ServiceManager
from seq2point.wording import format_count

LOG = logging.getLogger("seq2point.live")

T = TypeVar("T")

SILENCE_S = 300.0
"""Without a reading for this long a warning is logged, once."""

LOSSES_EVERY_S = 60.0

REST_S = 1.0
"""How often the worker is asked for what is due while no reading comes."""


class Service:
    """Carries readings from a source through a worker to sinks.

    `make_worker` runs in the thread that all work is done in. While that works, readings wait at
    the source, in its bounded queue. A service manager is told that it is ready, alive as long as
    that thread goes on with its work, and stopping. `clock` tells the machine's time, which the
    readings cannot be far ahead of; None takes readings of any time.
    """

    def __init__(
        self,
        source: Source,
        make_worker: Callable[[], Worker],
        sinks: Sequence[Sink],
        clock: Callable[[], float] | None = None,
    ):
        self._source, self._make_worker, self._sinks = source, make_worker, sinks
        self._clock, self._has_warned_of_clock = clock, False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._manager = ServiceManager()
        self._stop = asyncio.Event()
        self._lost, self._lost_at = 0, -math.inf
        self._has_warned = False
        self.readings = 0

    def run(self) -> None:
        """Run until the source ends, or SIGINT or SIGTERM comes.

        Raises what the source, the models or the store cannot go on from.
        """
        asyncio.run(self._run())

    def stop(self) -> None:
        """End the service cleanly: what is answered is kept, and sinks say that it is offline."""
        self._stop.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.stop)
        worker = None
        try:
            worker = await self._work(self._make_worker)
            for sink in self._sinks:
                await sink.open()
            await self._publish(await self._work(worker.start))
            self._manager.tell("READY=1")
            ended = await self._pump(worker)
            final = await self._work(lambda: worker.finish(ended))
            await self._publish(final)
        finally:
            self._manager.tell("STOPPING=1")
            for sink in self._sinks:
                await sink.close()
            if worker is not None:
                await self._work(worker.close)
            self._thread.shutdown()

    async def _work(self, task: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, task)

    async def _publish(self, update: Update) -> None:
        for sink in self._sinks:
            await sink.publish(update)

    def _warn_of_losses(self) -> None:
        """Log messages that were lost, at most once a minute."""
        lost = self._source.lost + sum(sink.lost for sink in self._sinks)
        if lost > self._lost and time.monotonic() - self._lost_at >= LOSSES_EVERY_S:
            LOG.warning("%d messages lost: they came faster than they could go on", lost)
            self._lost, self._lost_at = lost, time.monotonic()

    def _clean(self, readings: Sequence[Reading]) -> list[Reading]:
        """Return readings that can be, and log once of each kind that some could not."""
        latest_s = LATEST_S if self._clock is None else find_latest_s(self._clock())
        at_odd_times = [r.time_s for r in readings if not EARLIEST_S <= r.time_s < LATEST_S]
        absurd = [each.watts for each in readings if abs(each.watts) > ABSURD_W]
        if not self._has_warned and (at_odd_times or absurd):
            what = f"at {at_odd_times[0]:g} s since 1970" if at_odd_times else f"of {absurd[0]:g} W"
            LOG.warning("a reading %s cannot be: it and its like are left out", what)
            self._has_warned = True
        ahead = [each.time_s for each in readings if latest_s <= each.time_s < LATEST_S]
        if ahead and not self._has_warned_of_clock:
            LOG.warning(
                "a reading at %s is %s ahead of this machine's clock: it and its like are left out"
                " until the clocks agree; a file of such times can be replayed",
                datetime.fromtimestamp(ahead[0], UTC).isoformat(" ", "minutes"),
                format_count(round((ahead[0] - latest_s + AHEAD_S) / DAY_S), "day"),
            )
            self._has_warned_of_clock = True
        return clean_readings(readings, latest_s)

    async def _pump(self, worker: Worker) -> bool:
        """Carry readings until the source ends (True) or the service is stopped (False)."""
        batches = self._source.batches()
        stopped: asyncio.Future[Any] = asyncio.ensure_future(self._stop.wait())
        following: asyncio.Future[Any] = asyncio.ensure_future(anext(batches))
        silent_s = 0.0
        try:
            while True:
                await asyncio.wait(
                    [stopped, following], timeout=REST_S, return_when=asyncio.FIRST_COMPLETED
                )
                if stopped.done():
                    return False
                self._manager.tell_alive()
                self._warn_of_losses()
                if not following.done():
                    silent_s += REST_S
                    if silent_s - REST_S < SILENCE_S <= silent_s:
                        LOG.warning("no reading for %d s", SILENCE_S)
                    await self._publish(await self._work(worker.rest))
                    continue
                try:
                    readings = following.result()
                except StopAsyncIteration:
                    return True
                silent_s = 0.0
                self.readings += len(readings)
                readings = self._clean(readings)
                following = asyncio.ensure_future(anext(batches))
                if not readings:
                    continue
                update = await self._work(partial(worker.take, readings))
                await self._publish(update._replace(readings=readings, lost=self._source.lost))
        finally:
            for task in (stopped, following):
                task.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                    await task
            with suppress(Exception):
                await batches.aclose()  # type: ignore[attr-defined]
