"""Benchmarks: ratios against a bare script within one run, and memory against the size of the table."""
