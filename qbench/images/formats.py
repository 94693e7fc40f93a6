"""Which formats of images are read, and what is said of a file that has none of them."""

from __future__ import annotations

import contextlib

# Importing the module of a format registers it in Pillow; whatever else Pillow can read is never tried.
from PIL import (  # noqa: F401
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

with contextlib.suppress(ImportError):  # before Pillow 11.3 there is none
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # one image is decoded per process and core
    # The module is there even where Pillow was built without AVIF; then opening an image says so.

FORMATS = tuple(name for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM") if name in Image.OPEN)
"""The formats that are read, by Pillow's names: what datasets of photographs consist of. Pillow knows some forty more.
They are old or rare, so that faults in their decoders are found late, and one of them (EPS) starts another program."""

READ = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and PPM are read"

_LFS = b"version https://git-lfs.github.com/"
_MARKUP = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document"),
)
_SIGNATURES = (
    (b"%!PS", "a PostScript document (EPS)"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document (EPS)"),
    (b"%PDF", "a PDF document"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
DOWNLOAD = "This is what a failed download leaves behind: get the image again."
CONVERT = f"Convert it to PNG or JPEG: {READ}."


def no_image(content: bytes) -> tuple[str, str]:
    """What a file is that is not an image of one of `FORMATS`, and what can be done about it.

    Parameters
    ----------
    content : bytes
        Its first bytes; a few hundred are enough.

    Examples
    --------
    >>> no_image(b"<!DOCTYPE html><title>Not found</title>")[0]
    'it is an HTML page'
    >>> no_image(b"")[0]
    'the file is empty'
    """
    if not content:
        return "the file is empty", DOWNLOAD
    if content.startswith(_LFS):
        return "it is a Git LFS pointer, not the image itself", "Get the images with `git lfs pull`."
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return "it is a HEIC image", CONVERT
    for signature, what in _SIGNATURES:
        if content.startswith(signature):
            return f"it is {what}", CONVERT
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for signature, what in _MARKUP:
        if text.startswith(signature):
            return f"it is {what}", CONVERT if b"svg" in signature else DOWNLOAD
    if not content.strip(b"\0"):
        return "it begins with zeros only", DOWNLOAD
    return "it has no known image format", f"It may be damaged: get it again. {READ}."
