"""Parts of pages that are kept say at any time what they would if they were made then."""

from datetime import timedelta
from pathlib import Path

from starlette.testclient import TestClient
from tests.engine.rig import item, table_config
from tests.web.web_rig import WebRig, web_rig

from afresh.core.errors import SourceUnavailable
from afresh.core.model import UpdateType
from afresh.core.options import WebConfig
from afresh.web.app import build

PATHS = ("/", "/?state=Fresh&sort=age", "/grid", "/history", "/tables/Item")
AGES = (0, 61, 7_200, 40 * 86_400)


def pages(found: WebRig) -> list[str]:
    """The pages as they are for those who have looked before."""
    found.app.state.view.forget()
    return [found.client.get(path).text for path in PATHS]


def anew(found: WebRig) -> list[str]:
    """The pages of an application that nobody has asked for anything yet."""
    with TestClient(build(found.rig.service, WebConfig(), found.live, port=80), base_url="http://localhost") as client:
        return [client.get(path).text for path in PATHS]


def test_kept_pieces_say_what_new_ones_would(tmp_path: Path) -> None:
    """After each thing that happens, and as time goes by after it, until a table is late and its page looks back over
    more than it shows."""
    with web_rig(tmp_path, rows=[item(1)], configs=[table_config("Item"), table_config("Other")]) as found:
        rig = found.rig

        def fails() -> None:
            rig.source.fail_after = (0, SourceUnavailable("the source is away"))
            rig.sync(UpdateType.DAILY)

        happenings = (
            lambda: None,
            lambda: rig.sync(UpdateType.MASS),
            lambda: rig.sync(UpdateType.HOURLY),
            fails,
            lambda: found.client.post("/tables/Item/pause", content="reason=stocktaking"),
            lambda: found.client.post("/tables/Item/resume", content=""),
            lambda: rig.sync(UpdateType.MASS),
        )
        for happens in happenings:
            happens()
            for seconds in AGES:
                rig.clock.advance(timedelta(seconds=seconds))
                assert pages(found) == anew(found)
