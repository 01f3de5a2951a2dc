"""The commands of `afresh`, one a file. Results go to stdout, progress and errors to stderr."""
