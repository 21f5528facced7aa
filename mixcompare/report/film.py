"""Frames as a GIF and as small PNGs: the same bytes for the same frames, no clock and no names."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

COLOURS = 48
"""Of the palette that all frames share: lines, text, and their soft edges."""

WHITE = 246
"""Colours that are nowhere darker are white."""

PACE, HOLD = 140, 2000
"""Milliseconds a frame, and the last one before the film begins again."""


@dataclass(frozen=True)
class Reel:
    """A film ready to be written: the GIF, its size in pixels, and every frame as a PNG."""

    gif: bytes
    width: int
    height: int
    frames: tuple[bytes, ...]

    @property
    def embedded(self) -> list[str]:
        """The frames as data URIs."""
        return [uri("image/png", frame) for frame in self.frames]


def develop(images: Sequence[np.ndarray]) -> Reel:
    """Make a film of at least one image (height, width, 3) of bytes, all of one size."""
    whole = [Image.fromarray(np.ascontiguousarray(image)) for image in images]
    strip = Image.fromarray(np.concatenate([images[0], images[len(images) // 2], images[-1]]))
    palette = _white(strip.quantize(COLOURS, method=Image.Quantize.MEDIANCUT))
    small = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in whole]
    durations = [PACE] * (len(small) - 1) + [HOLD]
    gif = io.BytesIO()
    small[0].save(gif, "GIF", save_all=True, append_images=small[1:], duration=durations, loop=0,
                  optimize=False)  # fmt: skip
    return Reel(gif.getvalue(), *small[0].size, tuple(_png(image) for image in small))


def uri(kind: str, content: bytes) -> str:
    """Bytes as they stand inside a page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _white(palette: Image.Image) -> Image.Image:
    """With its lightest greys made white: Pillow takes a near colour, which need not be the nearest."""
    colours = np.array(palette.getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) >= WHITE] = 255
    palette.putpalette(colours.ravel().tolist())
    return palette


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
