"""A model variant and pictures or texts → embeddings. Knows no dataset and no metric."""
