"""Where syncs run: each module gives a standard `concurrent.futures.Executor`."""
