"""The machinery of the smoke: product-neutral, from an artifact to a verdict."""
