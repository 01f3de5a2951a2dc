"""The kit: what people asked for."""

from dataclasses import replace

from afresh.core.actions import Action, ActionKind, standing
from afresh.testing.kit_rig import Bench, CacheRig, at

PAUSE, RESUME, CANCEL, ACCEPT, RESET, RUN, _ = ActionKind


class ActionKit(CacheRig):
    """`AfreshAction`, the audit log that is only added to."""

    def test_nothing_asked(self, bench: Bench) -> None:
        """Where nobody asked for anything nothing is found, and looking makes nothing."""
        assert (list(bench.cache.actions.latest()), list(bench.cache.actions.recent())) == ([], [])
        assert bench.tables() == set()

    def test_recorded_as_asked(self, bench: Bench) -> None:
        """An action is kept with everything it was asked with, to the microsecond, and numbered in order."""
        asked = Action(
            at=at(0.123),
            who="o'brien@host",
            kind=RUN,
            table_name="Työ <Order>",
            source_system="JDE",
            operation_id="a" * 32,
            reason='it "must" not wait\n🙂',
            argument="Mass",
        )
        first, second = bench.cache.actions.record(asked), bench.cache.actions.record(_action(PAUSE, "A"))
        assert 0 < first.sequence < second.sequence
        assert first == replace(asked, sequence=first.sequence)
        assert bench.cache.actions.recent() == [second, first]
        assert bench.reopened().cache.actions.recent() == [second, first]

    def test_latest_of_each(self, bench: Bench) -> None:
        """The latest of each kind, table and source stands for the earlier ones, in the order of recording."""
        for action in (
            _action(PAUSE, "A", reason="first"),
            _action(PAUSE, "A", reason="second"),
            _action(PAUSE, "B"),
            _action(RESUME, "A"),
            _action(PAUSE, source_system="A"),
            _action(ACCEPT, "A", argument="17"),
            _action(RESET, source_system="S"),
        ):
            bench.cache.actions.record(action)
        found = bench.cache.actions.latest()
        assert [(action.kind, action.table_name, action.source_system, action.reason) for action in found] == [
            (PAUSE, "A", "", "second"),
            (PAUSE, "B", "", ""),
            (RESUME, "A", "", ""),
            (PAUSE, "", "A", ""),
            (ACCEPT, "A", "", ""),
            (RESET, "", "S", ""),
        ]
        asked = standing(found)
        assert asked.pause_of("A", "S") is None
        assert asked.pause_of("B", "S") == found[1]
        assert asked.pause_of("A", "A") == found[3]

    def test_recent(self, bench: Bench) -> None:
        """Actions can be asked for by table, page by page, and those that came since."""
        actions = bench.cache.actions
        made = [actions.record(_action(CANCEL, name)) for name in "ABAAB"]
        assert actions.recent() == made[::-1]
        assert actions.recent(table_name="A") == [made[3], made[2], made[0]]
        assert actions.recent(limit=2) == [made[4], made[3]]
        assert actions.recent(before=made[3].sequence, limit=2) == [made[2], made[1]]
        assert actions.recent(after=made[3].sequence) == [made[4]]
        assert actions.recent(after=made[4].sequence) == []
        assert actions.recent(table_name="A", after=made[0].sequence, before=made[3].sequence) == [made[2]]


def _action(
    kind: ActionKind, table_name: str = "", *, source_system: str = "", reason: str = "", argument: str = ""
) -> Action:
    return Action(
        at=at(0),
        who="kit",
        kind=kind,
        table_name=table_name,
        source_system=source_system,
        reason=reason,
        argument=argument,
    )
