"""The probe of dual encoders: a vector for each image and each text, compared by cosine."""
