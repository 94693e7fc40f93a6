"""The run folder and the cache: keys, atomic writes, locks. Knows nothing of what the stored things mean."""
