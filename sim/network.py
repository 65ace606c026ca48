"""The way between a handset and the hub: it loses, delays, repeats, spoils and reorders what it carries, and breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.world import DAY, HOUR, MINUTE, World


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a network is; the shares are of messages, the means in s."""

    lost: float = 0.02  # by a broker that forgets; TCP itself loses nothing
    repeated: float = 0.02
    spoiled: float = 0.01  # a signature does not hold then, and the reader drops it
    kept: float = 0.5  # of what was on its way when the connection broke: it comes later, up or down
    later: float = 10 * MINUTE  # mean
    latency: float = 0.4  # mean; each message has its own, so that they overtake one another
    up: float = 60 * MINUTE
    down: float = 15 * MINUTE
    noticed: float = 0.8  # of the times that it goes in office hours the handset sees that it has no network
    away: float = 0.02  # of the evenings a handset is gone for 72 hours
    morning: float = 9 * HOUR  # after midnight; before and after office hours a phone is where no hub is
    evening: float = 18 * HOUR


FAIR = Weather(lost=0.0, repeated=0.0, spoiled=0.0, latency=0.1)
"""What every network comes to in the end."""
SENSED = 10.0
"""Seconds within which a handset sees whether it has a network."""


class Link:
    """One handset's network."""

    def __init__(
        self, world: World, weather: Weather, *, broke: Callable[[], None], sensed: Callable[[bool], None]
    ) -> None:
        """``broke`` is called when the connection breaks, ``sensed`` when the handset sees a network go or come."""
        self._world = world
        self.weather = weather
        self._broke = broke
        self._sensed = sensed
        self.is_up = True
        self._seen = True
        self._connection = 0  # what was sent in an earlier one does not arrive any more

    def live(self, until: float) -> None:
        """Go down and up again until a time, and stay up then."""

        def change() -> None:
            if self._world.now >= until:
                self._come()
                return
            if self.is_up:
                self._go()
            else:
                self._come()
            self.live(until)

        self._world.after(min(self._wait(), max(0.0, until - self._world.now) + 1.0), change)

    def break_off(self) -> None:
        """Lose the connection with all that is on its way."""
        self._connection += 1
        self._broke()

    def carry(self, deliver: Callable[[], None]) -> None:
        """Carry one message as the weather lets it."""
        chance, weather = self._world.chance, self.weather
        if not self.is_up or chance.random() < weather.lost + weather.spoiled:
            return
        connection = self._connection

        def arrive() -> None:
            if connection == self._connection:
                deliver()
            elif chance.random() < weather.kept:
                self._world.after(chance.expovariate(1 / weather.later), bring)

        def bring() -> None:
            if self.is_up:
                deliver()

        self._world.after(chance.expovariate(1 / weather.latency), arrive)
        if chance.random() < weather.repeated:
            self._world.after(chance.expovariate(1 / weather.latency), arrive)

    def _wait(self) -> float:
        """Seconds to the next change: of the weather, or of the day."""
        chance, weather = self._world.chance, self.weather
        day, clock = divmod(self._world.now, DAY)
        if self.is_up:
            return min(chance.expovariate(1 / weather.up), max(0.0, weather.evening - clock))
        if weather.morning <= clock < weather.evening:
            return chance.expovariate(1 / weather.down)
        days = 3 if chance.random() < weather.away else 0
        next_morning = day * DAY + weather.morning + (DAY if clock >= weather.evening else 0.0)
        return next_morning + days * DAY + chance.uniform(0, 10 * MINUTE) - self._world.now

    def _go(self) -> None:
        self.is_up = False
        self.break_off()
        weather, clock = self.weather, self._world.now % DAY
        if not weather.morning <= clock < weather.evening or self._world.chance.random() < weather.noticed:
            self._sense(False)

    def _come(self) -> None:
        self.is_up = True
        self._sense(True)

    def _sense(self, there: bool) -> None:
        if there != self._seen:
            self._seen = there
            self._world.after(self._world.chance.uniform(0, SENSED), lambda: self._sensed(self._seen))
