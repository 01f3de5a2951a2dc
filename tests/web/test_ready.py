"""Pages that are made already are answered as those that are being made: to the same people, with the same headers."""

from pathlib import Path

import pytest
from tests.web.web_rig import TOKENS, WebRig, token_of, tokens, web_rig

from afresh.core.model import UpdateType
from afresh.core.options import WebConfig

PATHS = ("/", "/?show=all", "/grid", "/history", "/tables/Item")


def asked(found: WebRig, path: str, who: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer to the holder of a token; to nobody without a name."""
    sent = {"Authorization": f"Bearer {token_of(who)}"} if who else {}
    answer = found.client.get(path, headers=sent | headers, follow_redirects=False)
    return answer.status_code, dict(answer.headers), answer.text


def handled(found: WebRig, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that reach the router from now on."""
    seen: list[str] = []
    router = found.app.router
    real = router.middleware_stack

    async def noted(scope: object, receive: object, send: object) -> None:
        seen.append(scope["path"])  # type: ignore[index]
        await real(scope, receive, send)  # type: ignore[arg-type]

    monkeypatch.setattr(router, "middleware_stack", noted)
    return seen


@pytest.mark.parametrize("path", PATHS)
def test_who_comes_second_is_answered_alike_without_the_router(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes and headers as the first who asked; after a look was forgotten the router is asked again."""
    with web_rig(tmp_path, WebConfig(tokens=tokens())) as found:
        found.rig.sync(UpdateType.MASS)
        seen = handled(found, monkeypatch)
        first = asked(found, path, "reader")
        assert (first[0], first[1]["cache-control"]) == (200, "no-store")
        assert "default-src 'none'" in first[1]["content-security-policy"]
        assert len(seen) == 1
        assert asked(found, path, "reader") == first
        assert len(seen) == 1
        found.app.state.view.forget()
        assert asked(found, path, "reader")[0] == 200
        assert len(seen) == 2


@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_is_made_is_not_for_everybody(tmp_path: Path, path: str) -> None:
    """Without a token, with a wrong one, under a name that is not ours: refused as if it was not made; and each scope
    gets the forms that are its own."""
    with web_rig(tmp_path, WebConfig(tokens=tokens())) as found:
        found.rig.sync(UpdateType.MASS)
        pages = {who: asked(found, path, who) for who in TOKENS}
        assert {who: asked(found, path, who) for who in TOKENS} == pages
        assert len({page[2] for page in pages.values()}) == (3 if path == "/tables/Item" else 1)
        assert asked(found, path, "")[0] == 401
        assert asked(found, path, "stranger")[0] == 401
        assert asked(found, path, "expired")[0] == 401
        assert asked(found, path, "reader", Host="elsewhere.example")[0] == 421
        assert asked(found, path, "", Accept="text/html")[1]["location"] == "/login"
