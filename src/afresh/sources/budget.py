"""The sessions that a source grants, over all processes on one cache: as leases in the cache.

A session is a lease `session/SOURCE/n`, n from 1 to the budget. Who waits holds a ticket, a lease
`session/SOURCE/waiting/INSTANT-...`: the oldest ticket goes first, whichever process holds it, so that nobody is
overtaken. Leases are renewed while they are used; those of a process that died are free as soon as it is known to be
gone, on another machine when they expire.

A cache without any lease has no service on it: then who only looks (`plan`, `check`) counts for itself and writes
nothing, because looking makes no cache.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from afresh.core.errors import AfreshError, SourceUnavailable
from afresh.core.ports import Clock, Lease, Leases

TTL = timedelta(seconds=60)
_RENEWALS_PER_TTL = 4
_POLL_SECONDS = 0.1

Check = Callable[[], None]
"""Raises if the wait is to end."""


class Budget:
    """At most `most` sessions at the same time. Shared by all threads of the process."""

    def __init__(
        self, *, source: str, most: int, leases: Leases, holder: str, clock: Clock, gone: Callable[[str], bool]
    ) -> None:
        self.most = most
        self._source = source
        self._prefix = f"session/{source}/"
        self._leases = leases
        self._holder = holder
        self._clock = clock
        self._gone = gone
        self._changed = threading.Condition()
        self._queue: list[object] = []
        self._held: dict[str, Lease | None] = {}
        self._lost: set[str] = set()
        self._keeper: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def session(self, check: Check, count: int = 1) -> Iterator[Sequence[str]]:
        """The names of between one session and `count`, as many as are free when the turn comes."""
        names = self.take(check, least=1, most=count)
        try:
            yield names
        finally:
            self.give_back(names)

    def take(self, check: Check, *, least: int, most: int) -> Sequence[str]:
        """The names of as many sessions as are free, at least and at most so many, once it is our turn; `check` is
        asked all the while."""
        turn = object()
        with self._changed:
            self._queue.append(turn)
        try:
            self._await_turn(turn, check)
            return self._await_sessions(check, least, min(most, self.most))
        finally:
            with self._changed:
                self._queue.remove(turn)
                self._changed.notify_all()

    def give_back(self, names: Sequence[str]) -> None:
        """Gives sessions back. One that cannot be given back now expires by itself."""
        with self._changed:
            leases = [lease for name in names if (lease := self._held.pop(name, None)) is not None]
            self._lost.difference_update(names)
        for lease in leases:
            with suppress(AfreshError):
                self._leases.release(lease)
        with self._changed:
            self._changed.notify_all()

    def has(self, names: Sequence[str]) -> bool:
        """Whether the sessions are still ours: a process that was suspended for long may have lost them."""
        with self._changed:
            return self._lost.isdisjoint(names)

    def close(self) -> None:
        """Ends all waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # ----------------------------------------------------------------------------------------------- our turn

    def _await_turn(self, turn: object, check: Check) -> None:
        with self._changed:
            while self._queue[0] is not turn:
                self._go_on(check)
                self._changed.wait(_POLL_SECONDS)

    def _await_sessions(self, check: Check, least: int, most: int) -> Sequence[str]:
        """The head of this process's queue: takes what is free, else waits for its turn among the processes."""
        ticket: Lease | None = None
        try:
            while True:
                self._go_on(check)
                standing = self._standing()
                tickets = sorted(name for name in standing if name.startswith(f"{self._prefix}waiting/"))
                if not tickets or (ticket is not None and tickets[0] == ticket.name):
                    taken = self._take_free(standing, least, most)
                    if taken:
                        return taken
                if standing:
                    ticket = self._renewed(ticket)
                with self._changed:
                    self._changed.wait(_POLL_SECONDS)
        finally:
            if ticket is not None:
                with suppress(AfreshError):
                    self._leases.release(ticket)

    def _go_on(self, check: Check) -> None:
        check()
        if self._closed:
            raise SourceUnavailable(f"source {self._source}: it was closed while a session of it was waited for")

    def _renewed(self, ticket: Lease | None) -> Lease | None:
        """The ticket; a new one if there is none, or it was lost."""
        now = self._clock.now()
        if ticket is None:
            name = f"{self._prefix}waiting/{now:%Y%m%dT%H%M%S.%f}-{self._holder[-8:]}"
            return self._leases.take(name, self._holder, now, TTL)
        if ticket.expires - now > TTL / 2:
            return ticket
        return self._leases.renew(ticket, now, TTL)

    def _standing(self) -> dict[str, Lease]:
        """All leases that count; sessions and tickets of the dead are given back."""
        now = self._clock.now()
        found = {}
        for lease in self._leases.held(""):
            if not lease.name.startswith(self._prefix):
                found[lease.name] = lease
            elif lease.holder != self._holder and self._gone(lease.holder):
                self._leases.release(lease)
            elif lease.expires > now:
                found[lease.name] = lease
        return found

    def _take_free(self, standing: dict[str, Lease], least: int, most: int) -> Sequence[str]:
        """All or nothing: who got fewer than the least gives them back, so that nobody waits with what others need."""
        with self._changed:
            ours = set(self._held)
        taken: list[str] = []
        for number in range(1, self.most + 1):
            name = f"{self._prefix}{number}"
            if len(taken) == most:
                break
            if name in standing or name in ours:
                continue
            lease = self._leases.take(name, self._holder, self._clock.now(), TTL) if standing else None
            if lease is not None or not standing:
                self._keep(name, lease)
                taken.append(name)
        if len(taken) < least:
            self.give_back(taken)
            return ()
        return taken

    # ------------------------------------------------------------------------------------------------ renewal

    def _keep(self, name: str, lease: Lease | None) -> None:
        with self._changed:
            self._held[name] = lease
            if lease is not None and self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_renewing, name="afresh-sessions", daemon=True)
                self._keeper.start()

    def _keep_renewing(self) -> None:
        """Renews what is held until nothing is."""
        pause = TTL.total_seconds() / _RENEWALS_PER_TTL
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._held, pause)
                if not self._held:
                    self._keeper = None
                    return
            self.renew()

    def renew(self) -> None:
        """Renews what is held; a renewal that fails is made up for by the next."""
        with self._changed:
            held = [lease for lease in self._held.values() if lease is not None]
        for lease in held:
            with suppress(AfreshError):
                self._put(lease, self._leases.renew(lease, self._clock.now(), TTL))

    def _put(self, lease: Lease, renewed: Lease | None) -> None:
        with self._changed:
            if self._held.get(lease.name) is not lease:
                return
            if renewed is None:
                self._lost.add(lease.name)
                del self._held[lease.name]
            else:
                self._held[lease.name] = renewed
