"""Downloads from a host on this machine: what works, every way that it can fail, and what is left behind."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mlp_core.catalog.datasets import DATASETS
from mlp_core.data import DataCancelled, Progress, is_present, load
from mlp_core.data import download as download_module
from mlp_core.data import fetch as fetch_module
from mlp_core.data.download import download
from mlp_core.data.published import archives, image_class
from mlp_core.data.workfolder import remove_left_over, work_folder
from mlp_core.errors import DataError
from mlp_core.spec import DataSpec

MNIST, CIFAR10 = DATASETS["MNIST"], DATASETS["CIFAR10"]
BIG = "train-images-idx3-ubyte.gz"


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_brings_the_files_and_nothing_else(mnist: Any, tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = tmp_path / "new" / "data"
    download(MNIST, folder, seen.append)
    assert everything_in(folder) == sorted(MNIST.files)
    assert is_present(DataSpec(dataset="MNIST"), folder)
    done = [progress.done_bytes for progress in seen]
    assert done == sorted(done)
    assert done[-1] == sum(map(len, mnist.files.values()))
    assert len(done) > len(mnist.files) + 3
    assert all(progress.done_bytes <= (progress.total_bytes or 0) for progress in seen)
    assert seen[0].what == "Downloading MNIST"
    assert seen[-1].what == "Unpacking MNIST"
    assert load(DataSpec(dataset="MNIST"), folder).train_size == 300
    assert (folder / "MNIST").stat().st_mode & 0o055 == 0o055 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_present_files_are_not_fetched_again(mnist: Any, tmp_path: Path) -> None:
    download(MNIST, tmp_path)
    download(MNIST, tmp_path)
    assert len(mnist.requests) == 4


def test_only_the_sets_own_files_leave_the_archive(cifar: Any, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "data"
    download(CIFAR10, folder)
    assert everything_in(tmp_path) == sorted(f"a/data/{file}" for file in CIFAR10.files)
    assert not Path("/tmp/mlp-outside").exists()


def test_second_mirror_is_tried(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_class("MNIST"), "mirrors", ["http://127.0.0.1:1/", mnist.url])
    download(MNIST, tmp_path)
    assert is_present(DataSpec(dataset="MNIST"), tmp_path)


def test_archives_put_there_by_hand_are_used(mnist: Any, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for name, content in mnist.files.items():
        (raw / name).write_bytes(content)
    (raw / BIG).write_bytes(b"half a file")
    download(MNIST, tmp_path)
    assert mnist.requests == [BIG]
    assert is_present(DataSpec(dataset="MNIST"), tmp_path)


def test_a_part_that_was_there_is_completed(mnist: Any, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(b"torn")
    (raw / "notes.txt").write_text("mine")
    download(MNIST, tmp_path)
    assert load(DataSpec(dataset="MNIST"), tmp_path).test_size == 40
    assert (raw / "notes.txt").read_text() == "mine"


def answer(status: int) -> Callable[[Any], None]:
    return lambda request: request.send_error(status)


def cut(request: Any) -> None:
    request.give(b"x" * 100_000, promised=200_000)
    request.close_connection = True


def cut_without_length(request: Any) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"1000\r\nabc")
    request.close_connection = True


def hang_up(request: Any) -> None:
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


def other_file(request: Any) -> None:
    request.give(gzip.compress(b"another file"))


def endless(request: Any) -> None:
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(bytes(1 << 16))
    except OSError:
        request.close_connection = True


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (answer(404), "it answered 404 Not Found"),
        (answer(500), "it answered 500 Internal Server Error"),
        (cut, "the connection was cut after 100000 of 200000 bytes"),
        (cut_without_length, "the connection was cut"),
        (hang_up, "the connection was cut"),
        (other_file, "it sent another file than the published one: its MD5 sum is wrong"),
        (endless, "it sent more than the expected 23200000 bytes"),
    ],
)
@pytest.mark.parametrize("file", [BIG, "t10k-labels-idx1-ubyte.gz"])
def test_faults_of_the_host_are_named(
    mnist: Any, tmp_path: Path, file: str, fault: Callable[[BaseHTTPRequestHandler], None], reason: str
) -> None:
    mnist.faults[file] = fault
    with pytest.raises(DataError) as caught:
        download(MNIST, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"MNIST could not be downloaded from 127.0.0.1 ({reason}")
    assert message.endswith(
        f"or put the file {mnist.url}{file} into the folder {tmp_path}/MNIST/raw by hand and press Download."
    )
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []
    mnist.faults.clear()
    download(MNIST, tmp_path)


def test_silent_host(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "TIMEOUT_SECONDS", 0.1)
    over = Event()
    mnist.faults[BIG] = lambda request: over.wait(60)
    with pytest.raises(DataError, match=r"127.0.0.1 \(it did not answer for 0.1 seconds\)"):
        download(MNIST, tmp_path)
    over.set()
    assert list(tmp_path.iterdir()) == []


def test_closed_port(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrors = ["http://127.0.0.1:1/", "http://localhost:1/"]
    monkeypatch.setattr(image_class("MNIST"), "mirrors", mirrors)
    with pytest.raises(DataError, match=r"from 127.0.0.1 \(connection refused\), nor from localhost \(connection"):
        load(DataSpec(dataset="MNIST"), tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_unknown_host(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **others: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(image_class("MNIST"), "mirrors", ["http://data.example/"])
    with pytest.raises(DataError, match=r"data.example \(its name could not be found"):
        download(MNIST, tmp_path)


def test_archive_that_lacks_a_file(cifar: Any, tmp_path: Path) -> None:
    more = replace(CIFAR10, files=(*CIFAR10.files, "cifar-10-batches-py/data_batch_6"))
    with pytest.raises(DataError, match="archive of CIFAR-10 was downloaded but could not be unpacked: it lacks the"):
        download(more, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop_at", [1, 3, 6, 9])
def test_cancelled_on_the_way(mnist: Any, tmp_path: Path, stop_at: int) -> None:
    seen: list[Progress] = []
    with pytest.raises(DataCancelled, match="The download of MNIST was stopped"):
        load(
            DataSpec(dataset="MNIST"),
            tmp_path,
            progress=seen.append,
            cancelled=lambda: len(seen) >= stop_at,
            download=True,
        )
    assert len(seen) == stop_at
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_ends_in_the_middle_leaves_nothing(mnist: Any, tmp_path: Path) -> None:
    """Streamlit ends a script by raising from any of its calls, such as drawing the progress."""

    class ScriptEnds(BaseException):
        pass

    def draw(progress: Progress) -> None:
        if progress.done_bytes:
            raise ScriptEnds

    with pytest.raises(ScriptEnds):
        download(MNIST, tmp_path, draw)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def shut_folder() -> Iterator[Path]:
    """A folder that this process may not write to, root or not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission there")
def test_read_only_folder(mnist: Any, shut_folder: Path) -> None:
    for folder in (shut_folder, shut_folder / "new"):
        with pytest.raises(
            DataError, match=rf"could not be saved in the folder {folder}: permission denied. Make room"
        ):
            download(MNIST, folder)
    assert list(shut_folder.iterdir()) == []


def test_data_folder_that_is_a_file(mnist: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="could not be saved in the folder"):
        download(MNIST, tmp_path / "data")


def test_too_little_space_is_seen_before_the_download(
    mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    with pytest.raises(DataError, match="66 MB are needed and 1 MB are free"):
        download(MNIST, tmp_path)
    assert mnist.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_disk_that_fills_up(mnist: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch_to_full_disk(url: str, target: Path, *others: Any) -> None:
        fetch_module.fetch(url, Path("/dev/full"), *others)

    monkeypatch.setattr(download_module, "fetch", fetch_to_full_disk)
    with pytest.raises(DataError, match="no space left on device") as caught:
        download(MNIST, tmp_path)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_two_sessions_share_one_download(mnist: Any, tmp_path: Path) -> None:
    started, second_waits, told = Event(), Event(), []
    spec = DataSpec(dataset="MNIST")

    def first_progress(progress: Progress) -> None:
        started.set()
        assert second_waits.wait(60)

    def second_progress(progress: Progress) -> None:
        told.append(progress)
        second_waits.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(load, spec, tmp_path, progress=first_progress, download=True)
        assert started.wait(60)
        with pytest.raises(DataCancelled):
            load(spec, tmp_path, cancelled=lambda: True, download=True)
        second = pool.submit(load, spec, tmp_path, progress=second_progress, download=True)
        assert first.result(60).x_train is second.result(60).x_train
    assert set(Counter(mnist.requests).values()) == {1}
    assert told[0].what == "Downloading MNIST"


def test_second_session_takes_over_when_the_first_is_stopped(mnist: Any, tmp_path: Path) -> None:
    started, second_waits = Event(), Event()
    spec = DataSpec(dataset="MNIST")

    def first_cancelled() -> bool:
        started.set()
        return second_waits.wait(60)

    def second_cancelled() -> bool:
        second_waits.set()
        return False

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(load, spec, tmp_path, cancelled=first_cancelled, download=True)
        assert started.wait(60)
        second = pool.submit(load, spec, tmp_path, cancelled=second_cancelled, download=True)
        with pytest.raises(DataCancelled):
            first.result(60)
        assert second.result(60).train_size == 300
    assert everything_in(tmp_path) == sorted(MNIST.files)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")
def test_folder_of_a_killed_process_is_removed_and_of_a_living_one_is_not(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from mlp_core.data.workfolder import work_folder\n"
        "with work_folder(Path(sys.argv[1]), 'MNIST') as folder:\n"
        "    (folder / 'half').write_text('half'); print('ready', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process, work_folder(tmp_path, "CIFAR10") as own:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        remove_left_over(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
        process.kill()
        process.wait(60)
        remove_left_over(tmp_path)
        assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []


def test_folder_without_a_lock_is_left_over_only_when_old(tmp_path: Path) -> None:
    young, old = tmp_path / ".download-MNIST-a", tmp_path / ".download-MNIST-b"
    young.mkdir()
    old.mkdir()
    os.utime(old, (0, 0))
    (tmp_path / "other").mkdir()
    remove_left_over(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".download-MNIST-a", "other"]


def test_urls_and_sums_are_torchvisions() -> None:
    (archive,) = archives(image_class("CIFAR10"))
    assert archive.urls == (image_class("CIFAR10").url,)
    fashion = archives(image_class("FashionMNIST"))
    assert {archive.checksum for archive in fashion} == {md5 for _, md5 in image_class("FashionMNIST").resources}
    assert all(archive.path.startswith("FashionMNIST/raw/") for archive in fashion)
