"""The configuration to begin with."""

from pathlib import Path

import pytest
from tests.cli.cli_rig import Place

from afresh import wiring
from afresh.cli.demo import PACE
from afresh.cli.forms import FormName
from afresh.cli.starter import configuration
from afresh.config.load import load

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("form", "name", "other"),
    [(FormName.TOML, "afresh.toml", "appsettings.json"), (FormName.JSON, "appsettings.json", "afresh.toml")],
)
def test_what_is_written_is_the_example(form: FormName, name: str, other: str) -> None:
    """The files in examples/ are what the program writes, so that neither grows old."""
    assert configuration(form, other=other) == (EXAMPLES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["afresh.toml", "appsettings.json"])
def test_both_forms_load_and_say_the_same(place: Place, name: str) -> None:
    """A configuration just written is valid, and has all tables of the sample."""
    target = place.path / "new" / name
    assert place.bare("init", str(target)).code == 0
    options = load(target, wiring.KINDS)
    assert len(options.data_sources) == 17
    other = place.path / "new" / ("afresh.toml" if name.endswith("json") else "appsettings.json")
    assert place.bare("init", str(other)).code == 0
    assert load(other, wiring.KINDS) == options


def test_the_demo_has_the_same_tables_at_another_pace(place: Place) -> None:
    """Its configuration differs from the ordinary one in its intervals alone."""
    target = place.path / "demo.toml"
    target.write_text(configuration(FormName.TOML, PACE))
    options = load(target, wiring.KINDS)
    assert (options.check_interval, options.lookback_multiplier) == (PACE.check, 3.0)
    assert {source.hourly.interval for source in options.data_sources if source.hourly} == {PACE.hourly}
    assert [source.table_name for source in options.data_sources] == [
        line.split('"')[1] for line in configuration(FormName.TOML).splitlines() if line.startswith("table_name")
    ]


def test_nothing_is_overwritten_unasked(place: Place) -> None:
    """A file that is there stays, unless --force is given."""
    before = place.configuration.read_text()
    refused = place.bare("init")
    assert refused.code == 2
    assert "exists already" in refused.err
    assert place.configuration.read_text() == before
    assert place.bare("init", "--force").code == 0
    assert place.configuration.read_text() == configuration(FormName.TOML)


def test_a_source_that_is_there_is_not_overwritten_either(place: Place) -> None:
    """With --sample both files are looked at before either is written."""
    place.configuration.unlink()
    refused = place.bare("init", "--sample")
    assert refused.code == 2
    assert "source.db exists already" in refused.err
    assert not place.configuration.exists()


def test_the_form_follows_the_name(place: Place) -> None:
    """A directory gets the usual name of the form; a name of neither form, or of the other, is wrong use."""
    directory = place.path / "here"
    directory.mkdir()
    assert place.bare("init", str(directory), "--form", "json").code == 0
    assert (directory / "appsettings.json").exists()
    assert place.bare("init", "afresh.yaml").code == 2
    assert place.bare("init", "x.toml", "--form", "json").code == 2


def test_a_sample_can_be_synced_at_once(place: Place) -> None:
    """After `init --sample` the configuration is good, and a table of it loads."""
    directory = place.path / "trial"
    assert place.bare("init", str(directory / "afresh.toml"), "--sample", "--rows", "600").code == 0
    named = ("-c", str(directory / "afresh.toml"))
    checked = place.bare("check", *named)
    assert (checked.code, checked.err) == (0, "")
    assert "All is good: 17 tables." in checked.out
    assert place.bare("sync", "WorkOrder", *named).code == 0
