"""The probe of models that read an image and a text together: a score for each pair, such as of image-text matching."""
