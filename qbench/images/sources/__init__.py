"""The image sources that come with qbench, one file per kind. Only this package touches the storage of an image."""
