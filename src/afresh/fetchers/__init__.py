"""Fetchers: what to read for one table, and how to turn it into rows."""
