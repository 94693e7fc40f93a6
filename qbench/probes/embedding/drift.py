"""How far quantizing moves an image's embedding: the cosine between the baseline's and the variant's.

It needs no labels, so it shows whether some groups move more than others before any prediction changes.
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
        One row per item: ``item``, ``image`` (if the items have it), one column per attribute, and ``cosine`` (float64:
        in float32, the drift of a cast to 16 bits, about 1e-6, could not be told from none).

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
