"""The benchmark: how long the smoke takes beside what people would do without it, and what it costs by itself."""
