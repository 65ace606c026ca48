"""The way between a handset and the hub: it loses, delays, repeats, spoils and reorders what it carries, and breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.world import World


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a network is; the shares are of messages, the means in s."""

    lost: float = 0.02  # by a broker that forgets; TCP itself loses nothing
    repeated: float = 0.02
    spoiled: float = 0.01  # a signature does not hold then, and the reader drops it
    latency: float = 0.4  # mean; each message has its own, so that they overtake one another
    up: float = 1_200.0
    down: float = 900.0


FAIR = Weather(lost=0.0, repeated=0.0, spoiled=0.0, latency=0.1)
"""What every network comes to in the end."""


class Link:
    """One handset's network."""

    def __init__(self, world: World, weather: Weather, *, broke: Callable[[], None]) -> None:
        """``broke`` is called whenever the connection breaks."""
        self._world = world
        self.weather = weather
        self._broke = broke
        self.is_up = True
        self._connection = 0  # what was sent in an earlier one does not arrive any more

    def live(self, until: float) -> None:
        """Go down and up again until a time, and stay up then."""
        chance = self._world.chance
        wait = chance.expovariate(1 / (self.weather.up if self.is_up else self.weather.down))

        def change() -> None:
            if self._world.now >= until:
                self.is_up = True
                return
            self.is_up = not self.is_up
            if not self.is_up:
                self.break_off()
            self.live(until)

        self._world.after(min(wait, max(0.0, until - self._world.now) + 1.0), change)

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

        for _ in range(2 if chance.random() < weather.repeated else 1):
            self._world.after(chance.expovariate(1 / weather.latency), arrive)
