"""An example of a cache: small, whole, and slow. Rows are compared in memory; see docs/how-to/add-a-cache.md."""
