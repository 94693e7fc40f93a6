"""The keys of a dataset: hashes of all that decides its images and its items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from qbench.data.items import Items
from qbench.store.keys import key_of


def images_key(items: Items, digests: Sequence[str]) -> str:
    """What decides the pixels of an image set: each image's content and box, in order.

    Parameters
    ----------
    items : Items
        The items.
    digests : sequence of str
        The digest of each of ``items.images``.
    """
    boxes = [list(image.box) if image.box else None for image in items.images]
    return key_of({"digests": list(digests), "boxes": boxes})


def items_key(items: Items, images: str, annotations: Sequence[str]) -> str:
    """What decides a dataset as a benchmark sees it: images, annotation files, and the table made from them.

    Parameters
    ----------
    items : Items
        The items.
    images : str
        Their `images_key`.
    annotations : sequence of str
        The digest of each of ``items.annotations``.
    """
    table = items.table.to_json(orient="split", index=False, double_precision=15)
    return key_of(
        {
            "images": images,
            "annotations": list(annotations),
            "table": hashlib.sha256(table.encode()).hexdigest(),
        }
    )
