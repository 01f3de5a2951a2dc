"""What commands say of the lookback comes from what the latest windows measured."""

import json
from pathlib import Path

from tests.cli.cli_rig import Place
from tests.engine.rig import HOUR, HOURLY, MASS, item, make_rig, table_config

from afresh.cli.outlook import lookback


def test_lookback(tmp_path: Path) -> None:
    """A row that came after more than half of the lookback is told, with the multiplier that would do."""
    rig = make_rig(tmp_path, rows=[item(1)])
    rig.sync(MASS)
    rig.clock.advance(HOUR)
    rig.source.table.put(item(2, minutes=-108))
    rig.sync(HOURLY)
    daily, hourly = lookback(rig.service, table_config())
    assert daily.said == (
        "In the last window rows came up to 1 h 48 min late; Daily windows look back 3 x 1 d 00 h = 3 d 00 h: enough."
    )
    assert hourly.recommended == 4


def test_told(place: Place) -> None:
    """`plan` and `why` tell the evidence, for programs as numbers; nothing where nothing was measured."""
    assert place.afresh("sync", "Part", "--mass").code == 0
    assert json.loads(place.afresh("plan", "--json").out)["tables"][0]["lookback"] == []
    assert json.loads(place.afresh("why", "Part", "--json").out)["lookback"] == []
    assert place.afresh("sync", "Part", "--hourly").code == 0
    for told in (place.afresh("plan").out, place.afresh("why", "Part").out):
        assert "In the last window no row came late; Hourly windows look back" in " ".join(told.split())
    (first, *_) = json.loads(place.afresh("plan", "--json").out)["tables"][0]["lookback"]
    assert set(first) >= {"update_type", "verdict", "windows", "lateness_seconds", "lookback_seconds", "missed", "said"}
    assert first in json.loads(place.afresh("why", "Part", "--json").out)["lookback"]
