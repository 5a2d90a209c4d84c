"""Fetching one file over HTTP in blocks, so that progress shows and a user can stop it."""

from __future__ import annotations

import hashlib
import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BLOCK_BYTES = 1 << 16
TIMEOUT_SECONDS = 20.0
"""How long a host may stay silent; also the longest that a press on Cancel waits for an answer."""

USER_AGENT = "mlp-playground"


class FetchError(Exception):
    """The host did not give the file; the message is the reason, without host and remedy."""


def fetch(
    url: str,
    target: Path,
    checksum: str,
    max_bytes: int,
    on_block: Callable[[int, int | None], None],
) -> None:
    """Write what the URL gives to `target`, checked against its MD5 or SHA-256 sum in hexadecimal.

    `on_block(done, total)` is called before the first and after every block with the bytes so far and the
    bytes promised (None where the host does not say); what it raises ends the fetch. Raises `FetchError` for
    whatever the network or the host does wrong, and `OSError` for the disk.
    """
    digest = _digest(checksum)()
    done = 0
    with target.open("wb") as file, _opened(url) as response:
        total: int | None = response.length
        on_block(done, total)
        while block := _read(response):
            done += len(block)
            if done > max_bytes:
                raise FetchError(f"it sent more than the expected {max_bytes} bytes")
            file.write(block)
            digest.update(block)
            on_block(done, total)
    # http.client ends a cut answer like a whole one when it is read in blocks.
    if total is not None and done < total:
        raise FetchError(f"the connection was cut after {done} of {total} bytes")
    if digest.hexdigest() != checksum:
        raise FetchError(f"it sent another file than the published one: its {name_of(checksum)} sum is wrong")


def has_sum(file: Path, checksum: str) -> bool:
    """Whether a file has this MD5 or SHA-256 sum, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _digest(checksum)).hexdigest() == checksum


def name_of(checksum: str) -> str:
    """What kind of sum it is."""
    return "SHA-256" if len(checksum) == 64 else "MD5"


def _digest(checksum: str) -> Callable[[], Any]:
    return hashlib.sha256 if len(checksum) == 64 else lambda: hashlib.md5(usedforsecurity=False)


@contextmanager
def _opened(url: str) -> Iterator[http.client.HTTPResponse]:
    with _network_errors():
        request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    with response:
        yield response


def _read(response: http.client.HTTPResponse) -> bytes:
    with _network_errors():
        # read1 gives what has arrived and does not wait for a full block: a slow host can be cancelled too.
        return response.read1(BLOCK_BYTES)


@contextmanager
def _network_errors() -> Iterator[None]:
    """Turn what urllib and http.client raise into `FetchError`s that say why in plain words."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchError(f"it answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise FetchError(_reason(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(_reason(error)) from error


def _reason(cause: object) -> str:
    if isinstance(cause, TimeoutError):
        return f"it did not answer for {TIMEOUT_SECONDS:g} seconds"
    if isinstance(cause, socket.gaierror):
        return "its name could not be found; is there an internet connection?"
    if isinstance(cause, http.client.HTTPException | ConnectionResetError):
        return "the connection was cut"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(cause)
