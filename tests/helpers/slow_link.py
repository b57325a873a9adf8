"""A slow link on this machine: a proxy that holds every byte back, and lets few pass at a time."""

import asyncio
import contextlib
import threading

PIECE = 16_384  # bytes read at once


class SlowLink:
    """A TCP proxy to ``port``, with a delay in each direction and a bandwidth.

    Parameters
    ----------
    port : int
        Of the server on this machine.
    round_trip : float
        Seconds from a request to its answer.
    rate : float
        Bytes a second, in each direction of each connection.
    """

    def __init__(self, port: int, round_trip: float, rate: float = float("inf")):
        self._target, self._delay, self._rate = port, round_trip / 2, rate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        start = asyncio.start_server(self._connect, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.address = "http://127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())

    async def _connect(self, reader, writer):
        there = await asyncio.open_connection("127.0.0.1", self._target)
        pipes = (self._pipe(reader, there[1]), self._pipe(there[0], writer))
        await asyncio.gather(*pipes, return_exceptions=True)

    async def _pipe(self, reader, writer):
        under_way = asyncio.Queue(64)  # (when it arrives, bytes)
        delivery = asyncio.create_task(self._deliver(under_way, writer))
        free = self._loop.time()  # when the line is free for the next piece
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                free = max(free, self._loop.time()) + len(data) / self._rate
                await under_way.put((free + self._delay, data))
        await under_way.put((0, b""))
        await delivery

    async def _deliver(self, under_way, writer):
        try:
            while True:
                when, data = await under_way.get()
                await asyncio.sleep(when - self._loop.time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        except OSError:  # one side has hung up
            pass
        finally:
            writer.close()

    async def _end(self):
        self._server.close()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0)  # here what was closed hangs up

    def close(self):
        """Hang up, and stop the proxy."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
