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
        """An account that may not see transactions is told the time all the same, and what to ask for."""
        server().run("CREATE USER only_reads@'%' IDENTIFIED BY 'p'", "GRANT SELECT ON *.* TO only_reads@'%'")
        try:
            source = source_of(port=server().port, user="only_reads", password="p", database="mysql")
            told = [source.clock() for _ in range(2)]
            account = source.account()
        finally:
            server().run("DROP USER only_reads@'%'")
        assert all(instant is not None and instant.oldest_open is None for instant in told)
        (advice,) = account.advice
        assert advice.startswith("GRANT PROCESS ON *.* TO 'only_reads'@'%': ")

    def test_rights_are_its_own(self) -> None:
        """An account that may see what others are granted is told of its own rights alone."""
        reads, writes = "`reads@all`@'%'", "writes@localhost"
        server().run(
            f"CREATE USER {reads} IDENTIFIED BY 'p'",
            f"GRANT SELECT ON *.* TO {reads}",
            f"CREATE USER {writes} IDENTIFIED BY 'p'",
            f"GRANT SELECT, INSERT ON *.* TO {writes}",
        )
        try:
            told = {
                name: source_of(port=server().port, user=name, password="p", database="mysql").account().may_write
                for name in ("reads@all", "writes")
            }
        finally:
            server().run(f"DROP USER {reads}, {writes}")
        assert told == {"reads@all": (), "writes": ("INSERT on everything",)}
