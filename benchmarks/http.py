"""The requests of a browser that reads the page's stream: one connection, kept open, one request at a time."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Connection:
    """To a server on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, header fields in lower case, and content of an address below the server's root.

        A request that is given up ends the connection.
        """
        kept = self._ends is not None
        try:
            return await self._ask(path)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            if not kept:
                raise
            return await self._ask(path)  # the server ends connections that were idle
        except BaseException:
            self.close()
            raise

    async def _ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self._ends is None:
            self._ends = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._ends
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), fields, await reader.readexactly(int(fields["content-length"]))

    def close(self) -> None:
        """End the connection; the next request makes another."""
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None
