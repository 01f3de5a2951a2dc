"""MariaDB passes the conformance kit for sources."""

from tests.sources.mariadb_server import server
from tests.sources.mysql_source_rig import MysqlSourceRig, source_of
from tests.sources.odbc_drivers import without_mariadb

from afresh.core.select import Select
from afresh.testing.source_kit import SourceKit
from afresh.testing.source_kit_rig import SourceBench


@without_mariadb()
class TestMysqlSource(MysqlSourceRig, SourceKit):
    """The kit on a real server."""

    def test_parts_are_about_as_large(self, bench: SourceBench) -> None:
        """A table is cut into as many ranges of its key as asked for; by a column that it does not lie in the order of
        it is not cut."""
        what, source = bench.fill(6_000), bench.source()
        bench.execute(f"ANALYZE TABLE {bench.place()}")
        with source.parts(what, 3) as parts:
            sizes = [len(bench.rows(part, source)) for part in parts]
        assert sum(sizes) == 6_000
        assert len(sizes) == 3
        assert min(sizes) > 1_000
        with source.parts(Select(what.table, what.outputs, None, 3, "Name"), 3) as parts:
            assert len(parts) == 1

    def test_the_clock_without_process(self) -> None:
        """An account that may not see transactions is told the time all the same."""
        server().run("CREATE USER only_reads@'%' IDENTIFIED BY 'p'", "GRANT SELECT ON *.* TO only_reads@'%'")
        try:
            source = source_of(port=server().port, user="only_reads", password="p", database="mysql")
            told = [source.clock() for _ in range(2)]
        finally:
            server().run("DROP USER only_reads@'%'")
        assert all(instant is not None and instant.oldest_open is None for instant in told)
