"""How far quantizing moves an image's embedding: the cosine between the baseline's and the variant's, an item a row.

It needs no labels of what is right, so it shows whether some groups move more than others before any answer changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Items
from qbench.probes.embedding.similarity import normalised

BLOCK = 4096
"""Images that are compared at a time: bounds memory, whatever the dataset's size."""


def drift_table(items: Items, baseline: npt.NDArray[np.floating], variant: npt.NDArray[np.floating]) -> pd.DataFrame:
    """Compare two variants' embeddings of the same images.

    Parameters
    ----------
    items : Items
        The items; their images are the rows of both arrays.
    baseline, variant : numpy.ndarray
        ``(images, d)``, not normalised.

    Returns
    -------
    pandas.DataFrame
        A row an item: ``item``, ``image`` (where the items have it), a column an attribute, and ``cosine`` (float64:
        float32 could not tell the drift of a cast to 16 bit, about 1e-6, from none).

    Raises
    ------
    QbenchError
        An embedding is not finite or is zero.
    """
    if baseline.shape != variant.shape:
        raise ValueError(f"embeddings of shape {baseline.shape} and {variant.shape} cannot be compared")
    cosine = np.empty(len(baseline))
    for start in range(0, len(baseline), BLOCK):
        rows = slice(start, start + BLOCK)
        first, second = normalised(baseline[rows], "image"), normalised(variant[rows], "image")
        cosine[rows] = np.einsum("ij,ij->i", first, second)
    names = ["item", "image", *(attribute.name for attribute in items.attributes)]
    table = items.table[[name for name in names if name in items.table]]
    return table.assign(cosine=np.clip(cosine, -1.0, 1.0)[items.table["image_index"].to_numpy()])
