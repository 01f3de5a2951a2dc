"""The databases that can be the cache, one adapter each."""
