"""The digests of images: what the content of an image set is, whatever its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from qbench.images.interface import ImageSource
from qbench.images.locations import ImageLocation
from qbench.store.cache import Cache
from qbench.store.digests import DigestMemo


def image_digests(
    cache: Cache,
    images: Sequence[ImageLocation],
    *,
    workers: int = 2,
    step: Callable[[int], None] = lambda n: None,
) -> list[str]:
    """The digest of each image's stored content; boxes make no difference.

    Each content is read once, and not at all where the cache remembers its digest and its stamp is the same.

    Parameters
    ----------
    cache : Cache
        Where digests are remembered.
    images : sequence of ImageLocation
        The images; several boxes of one image are allowed.
    workers : int
        Threads that read.
    step : callable
        Called with the number of `images` that were done since the last call.

    Returns
    -------
    list of str
        SHA-256 (hexadecimal), in the order of `images`.

    Raises
    ------
    DataError
        An image cannot be read; the message says where it is.
    """
    by_source: dict[ImageSource, Counter[str]] = {}
    for image in images:
        by_source.setdefault(image.source, Counter())[image.key] += 1
    known = {
        source: _of_source(cache, source, counts, workers=workers, step=step) for source, counts in by_source.items()
    }
    return [known[image.source][image.key] for image in images]


def _of_source(
    cache: Cache, source: ImageSource, counts: Counter[str], *, workers: int, step: Callable[[int], None]
) -> dict[str, str]:
    memo = DigestMemo(cache, source.place())
    return memo.of(list(counts), source, workers=workers, done=lambda key: step(counts[key]))
