"""One PNG or JPEG file as the bytes that a network takes.

The text of this function goes into the `model.py` of a bundle and into exported scripts as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

# The text keeps to the width of 88 that ruff has by default.
# fmt: off


MAX_PIXELS = 25_000_000


def decode_image(source: Path | IO[bytes], shape: Sequence[int]) -> np.ndarray:
    """A PNG or JPEG file as bytes uint8 (channels, height, width): grey or colour, resized.

    Raises what Pillow raises for other files (OSError, SyntaxError, EOFError, ValueError), and ValueError for too many
    pixels, before they are decoded.
    """
    from PIL import Image, ImageOps

    channels, height, width = shape
    try:
        with Image.open(source, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"it has {image.width}×{image.height} pixels, "
                    f"and the limit is {MAX_PIXELS}"
                )
            # A camera held sideways says so, and its picture is turned upright.
            picture: Image.Image = ImageOps.exif_transpose(image)
            if picture.mode.startswith("I"):  # 16 bits of grey
                picture = Image.fromarray(
                    (np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8)
                )
            if "A" in picture.mode or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(
                    Image.new("RGBA", picture.size, "white"), picture
                )
            picture = picture.convert("L" if channels == 1 else "RGB")
            if picture.size != (width, height):
                picture = picture.resize((width, height), Image.Resampling.BILINEAR)
            return (
                np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)
            )
    except Image.DecompressionBombError:  # Pillow refuses far too many pixels itself
        raise ValueError(f"it has more pixels than the limit of {MAX_PIXELS}") from None
