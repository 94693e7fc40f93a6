"""The embedded demo: drawn benchmarks and three tiny dual encoders trained on such drawings."""
