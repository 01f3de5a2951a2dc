"""A module of a user's that lacks a library."""

import a_library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401  it is not there on purpose
