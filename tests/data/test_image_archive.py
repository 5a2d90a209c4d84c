"""A zip of images: what is read, what is left out by name, and what is refused before it is unpacked."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mlp_core.data import image_archive, zip_archive
from mlp_core.data.errors import DataCancelled
from mlp_core.data.image_archive import Listing, clean_name, list_images, read_images, survey_images
from mlp_core.errors import DataError


def picture(value: int = 0, size: tuple[int, int] = (4, 3), mode: str = "L", form: str = "PNG") -> bytes:
    """A file of one image, (width, height), all of one value."""
    file = io.BytesIO()
    colour = value if len(mode) == 1 or ";" in mode else (value,) * len(Image.new(mode, (1, 1)).getbands())
    Image.new(mode, size, colour).save(file, form)
    return file.getvalue()


def packed(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def labels(listing: Listing) -> dict[str, str]:
    return {image.path: image.label for image in listing.images}


def test_a_folder_is_a_class() -> None:
    archive = packed({"cat/a.png": picture(), "dog/b.PNG": picture(), "dog/deep/c.jpg": picture()})
    listing = list_images(archive, "pets.zip")
    assert labels(listing) == {"cat/a.png": "cat", "dog/b.PNG": "dog", "dog/deep/c.jpg": "dog"}
    assert listing.class_names == ("cat", "dog")
    assert not listing.official_split


def test_folders_around_all_of_them_are_no_class() -> None:
    listing = list_images(packed({"my/pets/cat/a.png": picture(), "my/pets/dog/b.png": picture()}), "pets.zip")
    assert listing.class_names == ("cat", "dog")


def test_folders_of_parts_make_the_split() -> None:
    files = {f"set/{part}/{name}/1.png": picture() for part in ("Train", "test") for name in ("cat", "dog")}
    listing = list_images(packed(files), "pets.zip")
    assert listing.official_split
    assert {image.path: image.test for image in listing.images} == {name: "/test/" in name for name in files}


def test_classes_that_are_numbers_go_by_their_value() -> None:
    listing = list_images(packed({f"{name}/1.png": picture() for name in ("10", "9", "2")}), "digits.zip")
    assert listing.class_names == ("2", "9", "10")


@pytest.mark.parametrize(
    "table",
    [
        "file,label\na.png,cat\nb.png,dog\n",
        "label;note;filename\r\ncat;x;a.png\r\ndog;y;./b.png\r\n",
        "a.png\tcat\nb.png\tdog",
    ],
)
def test_a_table_gives_the_labels(table: str) -> None:
    files = {"in/labels.csv": table.encode(), "in/a.png": picture(), "in/b.png": picture(), "in/c.png": picture()}
    listing = list_images(packed(files), "pets.zip")
    assert labels(listing) == {"in/a.png": "cat", "in/b.png": "dog"}
    assert [(left.path, left.reason) for left in listing.skipped] == [("in/c.png", "the table does not name it")]


def test_what_a_table_gets_wrong_is_said_by_name() -> None:
    table = "file,label\na.png,cat\na.png,dog\ngone.png,dog\nb.png,\nc.png,dog\n"
    files = {"labels.csv": table.encode("utf-16"), **{f"{name}.png": picture() for name in "abc"}}
    listing = list_images(packed(files), "pets.zip")
    assert labels(listing) == {"a.png": "cat", "c.png": "dog"}
    assert {(left.path, left.reason) for left in listing.skipped} == {
        ("a.png", "the table names it more than once"),
        ("gone.png", "the table names it, and the archive has no such image"),
        ("b.png", "the table gives it no label"),
        ("b.png", "the table does not name it"),
    }


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../cat/x.png", "its path leads out of the archive"),
        ("/etc/x.png", "its path leads out of the archive"),
        ("C:/x.png", "its path leads out of the archive"),
        ("cat\\..\\..\\x.png", "its path leads out of the archive"),
        ("cat/more.zip", "archives inside of an archive are not read"),
        ("cat/x.svg", "its name ends in none of .png, .jpg, .jpeg, .csv"),
        ("x.png", "it lies in no folder with the name of a class"),
    ],
)
def test_what_is_not_read_is_listed(path: str, reason: str) -> None:
    files = {
        "cat/a.png": picture(),
        "dog/b.png": picture(),
        path: picture(),
        "__MACOSX/x.png": b"",
        "dog/.hidden.png": b"",
    }
    listing = list_images(packed(files), "pets.zip")
    assert len(listing.images) == 2
    assert [(left.path.replace("\\", "/"), left.reason) for left in listing.skipped] == [
        (path.replace("\\", "/"), reason)
    ]


def test_a_link_is_not_followed() -> None:
    file = packed({"cat/a.png": picture(), "dog/b.png": picture()})
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("dog/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    listing = list_images(file, "pets.zip")
    assert [(left.path, left.reason) for left in listing.skipped] == [("dog/link.png", "it is a link to another file")]


def refused(file: io.BytesIO, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        list_images(file, "bad.zip")
    assert "'bad.zip'" in str(caught.value)


def test_archives_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refused(io.BytesIO(b"MZ" + bytes(200)), "is no zip archive")
    refused(io.BytesIO(), "is no zip archive")
    refused(packed({"cat/a.png": picture(), "b.png": picture()}), "at least two classes. Got 1 images of 1")
    refused(packed({"a.csv": b"a,b", "b.csv": b"a,b"}), "holds 2 tables")
    refused(packed({"a.csv": b"file,label\na.png", "a.png": picture()}), "Row 2 of the table 'a.csv'")
    refused(packed({"cat/a.png": bytes(3_000_000), "dog/b.png": picture()}, zipfile.ZIP_DEFLATED), "at most 100 times")
    monkeypatch.setattr(zip_archive, "MAX_UNPACKED_BYTES", 100)
    refused(packed({"cat/a.png": bytes(60), "dog/b.png": bytes(60)}), "must unpack to at most 0 MB")
    monkeypatch.setattr(zip_archive, "MAX_ARCHIVE_FILES", 2)
    refused(packed({f"{name}/a.png": b"" for name in "abc"}), "at most 2 files. Got 3")
    monkeypatch.setattr(image_archive, "MAX_CLASSES", 2)
    monkeypatch.setattr(zip_archive, "MAX_ARCHIVE_FILES", 9)
    refused(packed({f"{name}/a.png": b"" for name in "abc"}), "at most 2 classes. Got 3")


def test_a_directory_of_millions_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    file = packed({"cat/a.png": picture()})
    content = bytearray(file.getvalue())
    end = content.rfind(b"PK\x05\x06")
    struct.pack_into("<HH", content, end + 8, 0xFFFF, 0xFFFF)
    place = end
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 5_000_000, 5_000_000, 1, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    content[end:end] = record + locator
    monkeypatch.setattr(zipfile, "ZipFile", lambda file: pytest.fail("the directory was read"))
    refused(io.BytesIO(bytes(content)), "at most 200,000 files. Got 5,000,000")


def test_a_password_is_said() -> None:
    content = bytearray(packed({"cat/a.png": picture(), "dog/b.png": picture()}).getvalue())
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    refused(io.BytesIO(bytes(content)), "is protected by a password")


def test_every_kind_of_image_becomes_pixels() -> None:
    files = {
        "a/grey.png": picture(100),
        "a/colour.jpg": picture(100, mode="RGB", form="JPEG"),
        "a/cmyk.jpg": picture(155, mode="CMYK", form="JPEG"),
        "b/deep.png": picture(100 << 8, mode="I;16"),
        "b/palette.png": picture(0, mode="P"),
        "b/clear.png": picture(0, mode="RGBA"),
        "b/large.png": picture(7, size=(40, 30)),
    }
    file = packed(files)
    listing = list_images(file, "mixed.zip")
    found = read_images(file, "mixed.zip", listing.images, (1, 3, 4))
    assert not found.bad
    assert found.pixels.shape == (7, 1, 3, 4)
    values = {member.path: int(image.mean()) for member, image in zip(found.members, found.pixels, strict=True)}
    assert values["a/grey.png"] == values["a/colour.jpg"] == values["b/deep.png"] == 100
    assert values["b/clear.png"] == 255  # nothing of it covers the white page
    assert values["b/large.png"] == 7
    survey = survey_images(file, "mixed.zip", listing.images)
    assert (survey.height, survey.width) == (3, 4)
    assert len(survey.good) == 7


def test_of_a_moving_image_the_first_picture_counts() -> None:
    file = io.BytesIO()
    Image.new("L", (4, 3), 100).save(file, "PNG", save_all=True, append_images=[Image.new("L", (4, 3), 200)])
    archive = packed({"a/moves.png": file.getvalue(), "b/still.png": picture()})
    found = read_images(archive, "moving.zip", list_images(archive, "moving.zip").images, (1, 3, 4))
    assert not found.bad
    assert {int(pixels.mean()) for member, pixels in zip(found.members, found.pixels, strict=True)
            if member.path == "a/moves.png"} == {100}  # fmt: skip


def test_images_that_cannot_be_decoded_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = picture(5, size=(64, 64), mode="RGB")
    wide = bytearray(picture())
    struct.pack_into(">II", wide, 16, 50_000, 50_000)  # the size in a PNG's header, and the sum of that
    struct.pack_into(">I", wide, 29, zlib.crc32(wide[12:29]))
    files = {
        "a/good.png": whole, "b/cut.png": whole[: len(whole) // 2], "b/svg.jpg": b"<svg xmlns='x'/>",
        "b/pdf.png": b"%PDF-1.7", "b/empty.png": b"", "b/wide.png": bytes(wide), "b/good.png": picture(9),
    }  # fmt: skip
    file = packed(files)
    listing = list_images(file, "mixed.zip")
    for found in (survey_images(file, "m.zip", listing.images), read_images(file, "m.zip", listing.images, (1, 2, 2))):
        reasons = {bad.path: bad.reason for bad in found.bad}
        assert set(reasons) == {"b/cut.png", "b/svg.jpg", "b/pdf.png", "b/empty.png", "b/wide.png"}
        assert reasons["b/svg.jpg"] == reasons["b/pdf.png"] == "it is no PNG or JPEG file"
        assert "more pixels than the limit" in reasons["b/wide.png"]
        assert all(reasons.values())


def test_a_broken_sum_is_a_bad_image_and_no_more() -> None:
    content = bytearray(packed({"a/one.png": picture(1), "b/two.png": picture(2)}).getvalue())
    content[content.find(b"PNG") + 40] ^= 0xFF
    file = io.BytesIO(bytes(content))
    found = read_images(file, "x.zip", list_images(file, "x.zip").images, (1, 3, 4))
    assert [member.path for member in found.members] == ["b/two.png"]
    assert [bad.path for bad in found.bad] == ["a/one.png"]


def test_colours_are_noticed_and_progress_is_told() -> None:
    file = io.BytesIO()
    image = Image.new("RGB", (6, 6), (200, 10, 10))
    image.save(file, "PNG")
    archive = packed({"a/1.png": file.getvalue(), "b/2.png": picture()})
    told: list[tuple[int, int | None]] = []
    listing = list_images(archive, "x.zip")
    survey = survey_images(archive, "x.zip", listing.images, lambda p: told.append((p.done_bytes, p.total_bytes)))
    assert survey.colour
    size = told[-1][0]
    assert told == [(0, size), (size, size)]
    assert size == len(file.getvalue()) + len(picture())
    with pytest.raises(DataCancelled):
        survey_images(archive, "x.zip", listing.images, cancelled=lambda: True)


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8)


PATHS = st.tuples(NAMES, NAMES, st.sampled_from([".png", ".jpg", ".csv", ".zip", ""]))


@given(
    st.dictionaries(
        PATHS.map(lambda path: f"{path[0]}/{path[1]}{path[2]}"),
        st.binary(max_size=40) | st.just(picture()),
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_archive_gives_images_or_a_sentence(files: dict[str, bytes]) -> None:
    archive = packed(files)
    try:
        listing = list_images(archive, "any.zip")
    except DataError:
        return
    assert len(listing.class_names) >= 2
    found = read_images(archive, "any.zip", listing.images, (1, 2, 2))
    assert len(found.members) + len(found.bad) == len(listing.images)
    assert all(name == clean_name(name) and name for name in listing.class_names)


@given(
    st.binary(max_size=300)
    | st.binary(max_size=60).map(lambda more: packed({"a/b.png": picture()}).getvalue()[:90] + more)
)
def test_any_bytes_give_a_sentence(content: bytes) -> None:
    with pytest.raises(DataError):
        list_images(io.BytesIO(content), "any.zip")


def test_a_file_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "pets.zip"
    path.write_bytes(packed({"cat/a.png": picture(3), "dog/b.png": picture(4)}).getvalue())
    found = read_images(path, "pets.zip", list_images(path, "pets.zip").images, (3, 2, 2))
    assert np.array_equal(found.pixels[:, 0, 0, 0], [3, 4])
