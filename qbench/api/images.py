"""Images: where they are, and how a model wants them."""

from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import OPENAI_MEAN, OPENAI_STD, Geometry, Preprocessing

__all__ = ["OPENAI_MEAN", "OPENAI_STD", "Geometry", "ImageLocation", "Preprocessing"]
