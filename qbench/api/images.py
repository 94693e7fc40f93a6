"""Images: where they are kept, how a model wants them, and their pixels as a model sees them.

A benchmark names its images by `ImageLocation` objects, each with a source and a key. `FolderSource` is for files in a
folder; other sources are classes that name `ImageSource` as their base. `decode_image` gives the pixels that a model
sees, and `image_id` the ID of an image in results and in tables of precomputed embeddings.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.images.ids import image_id
from qbench.images.interface import ImageSource
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import OPENAI_MEAN, OPENAI_STD, Geometry, Preprocessing

if TYPE_CHECKING:
    from qbench.images.decoding import decode_image
    from qbench.images.sources.files import FolderSource

__getattr__ = import_on_use(
    __name__, {"FolderSource": "qbench.images.sources.files", "decode_image": "qbench.images.decoding"}
)

__all__ = [
    "OPENAI_MEAN",
    "OPENAI_STD",
    "FolderSource",
    "Geometry",
    "ImageLocation",
    "ImageSource",
    "Preprocessing",
    "decode_image",
    "image_id",
]
