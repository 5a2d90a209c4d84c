"""Sample images with what the network says about each.

Images that stay go to the browser once, with `image_store`, when the grid is mounted; updates of `image_grid` hold
numbers and names alone. Those of `changing_images` come with their numbers.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.components.assets import loader, packed
from pages.components.part import Part

_STORE = st.components.v2.component("image_store", js=loader("image_grid.js"))
_GRID = st.components.v2.component("image_grid", js=loader("image_grid.js"))

Images = npt.NDArray[np.uint8]
Item = tuple[str, str, int | None]
"""What was predicted, what is true, and how sure the network is, in whole percent."""


def image_store(images: Images, *, key: str) -> None:
    """Hands `images` (N×C×H×W, C 1 for grey or 3 for RGB) to the browser as `key`; shows nothing itself."""
    _STORE(key=key, data=packed({**_sheet(images), "key": key}))


def image_grid(store_key: str, items: Sequence[Item], *, alt: str, key: str) -> Part:
    """One picture per item, in the order of the store; `alt` says in words what is seen."""
    return Part(_GRID, key, {"storeKey": store_key, "items": list(items), "alt": alt})


def changing_images(images: Images, items: Sequence[Item], *, alt: str, caption: str, key: str) -> Part:
    """The same where other images may be shown at every update, with a sentence above them."""
    data = {"storeKey": "", "images": _sheet(images), "items": list(items), "alt": alt, "caption": caption}
    return Part(_GRID, key, data)


def _sheet(images: Images) -> dict[str, Any]:
    """All images as the browser takes them."""
    count, _, height, width = images.shape
    columns = max(1, math.isqrt(max(count, 1)))
    picture = base64.b64encode(sprite(images)).decode("ascii")
    return {"width": width, "height": height, "count": count, "columns": columns, "sprite": picture}


def enlarged(image: Images, width: int) -> Images:
    """A picture (C, H, W) whose pixels are squares, about so many pixels wide; one that is as wide stays as it is."""
    times = max(1, width // image.shape[2])
    return image.repeat(times, axis=1).repeat(times, axis=2)


def sprite(images: Images) -> bytes:
    """All images as one PNG, row by row, in a near-square of columns."""
    from PIL import Image

    count, channels, height, width = images.shape
    if images.dtype != np.uint8 or channels not in (1, 3):
        raise ValueError(
            "The 'images' parameter must be uint8 of shape N×C×H×W with C 1 or 3. "
            f"Got {images.dtype} of shape {images.shape} instead."
        )
    columns = max(1, math.isqrt(max(count, 1)))
    rows = max(1, -(-count // columns))
    sheet: npt.NDArray[Any] = np.zeros((rows * columns, channels, height, width), dtype=np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
