"""Images: where they are, and how a model wants them."""

from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry, Preprocessing

__all__ = ["Geometry", "ImageLocation", "Preprocessing"]
