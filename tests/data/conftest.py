"""A host of official files on this machine, small sets in the official formats, and the real ones where present."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlp_core import data
from mlp_core.data import fetch as fetch_module
from mlp_core.data.published import image_class

REPOSITORY = Path(__file__).parents[2]


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx(array: np.ndarray) -> bytes:
    """An array of bytes in the format of the MNIST files."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


class Host:
    """An HTTP server on this machine: `files` by path, and `faults` that answer a path otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.requests: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                host.requests.append(name)
                if name in host.faults:
                    host.faults[name](self)
                elif name in host.files:
                    self.give(host.files[name])
                else:
                    self.send_error(404)

            def give(self, content: bytes, promised: int | None = None) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(promised or len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No set in memory, no proxy between the test and its host, no long wait."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("MLP_DATA_DIR", raising=False)
    monkeypatch.setattr(fetch_module, "TIMEOUT_SECONDS", 5.0)
    data._cache.clear()
    yield
    data._cache.clear()


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    yield server
    server.close()


@pytest.fixture
def real_data() -> Path:
    """The folder of real image sets, which not every machine has."""
    folder = Path(os.environ.get("MLP_TEST_DATA") or REPOSITORY / "../shared/data")
    if not (folder / "FashionMNIST/raw").is_dir():
        pytest.skip(f"no real image sets in {folder} (set MLP_TEST_DATA)")
    return folder


@pytest.fixture
def mnist(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host has a small MNIST, and torchvision's class knows it from there."""
    generator = np.random.default_rng(0)
    resources = []
    for part, size in (("train", 300), ("t10k", 40)):
        images = generator.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        labels = np.arange(size, dtype=np.uint8) % 10
        for kind, content in (("images-idx3", idx(images)), ("labels-idx1", idx(labels))):
            name = f"{part}-{kind}-ubyte.gz"
            host.files[name] = gzip.compress(content)
            resources.append((name, md5(host.files[name])))
    monkeypatch.setattr(image_class("MNIST"), "resources", resources)
    monkeypatch.setattr(image_class("MNIST"), "mirrors", [host.url])
    return host


@pytest.fixture
def cifar(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host has a small CIFAR-10 archive in the official format, with more in it than there should be.

    torchvision's class compares MD5 sums with its own lists; those lists are replaced, its code is not.
    """
    images, generator = image_class("CIFAR10"), np.random.default_rng(1)
    files: dict[str, bytes] = {}
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        pixels = generator.integers(0, 256, (20, 3072), dtype=np.uint8)
        labels = [(number + place) % 10 for place in range(20)]
        files[name] = pickle.dumps({"data": pixels, "labels": labels}, protocol=2)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    files["batches.meta"] = pickle.dumps({"label_names": names}, protocol=2)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        link = tarfile.TarInfo("cifar-10-batches-py/readme.html")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name in ("../outside", "/tmp/mlp-outside", "cifar-10-batches-py/../../outside"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    host.files[images.filename] = archive.getvalue()
    monkeypatch.setattr(images, "url", host.url + images.filename)
    monkeypatch.setattr(images, "tgz_md5", md5(archive.getvalue()))
    monkeypatch.setattr(images, "train_list", [[n, md5(files[n])] for n in files if n.startswith("data")])
    monkeypatch.setattr(images, "test_list", [["test_batch", md5(files["test_batch"])]])
    monkeypatch.setattr(images, "meta", {**images.meta, "md5": md5(files["batches.meta"])})
    return host
