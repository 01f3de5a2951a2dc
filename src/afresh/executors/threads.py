"""Threads of this process: the default. Drivers release the interpreter lock while they wait for their database."""

from concurrent.futures import Executor, ThreadPoolExecutor


def build(max_degree_of_parallelism: int) -> Executor:
    """An executor with that many threads."""
    return ThreadPoolExecutor(max_degree_of_parallelism, thread_name_prefix="afresh-sync")
