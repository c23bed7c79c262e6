"""Who has which image."""

from __future__ import annotations

from monailabel_app.next_study.leases import Leases


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(seconds: float = 1800) -> tuple[Leases, Clock]:
    clock = Clock()
    return Leases(seconds, clock), clock


def test_held_until_it_expires() -> None:
    leases, clock = made()
    leases.take("a", "ann")
    clock.now += 600
    leases.take("b", "bob")
    assert (leases.images, leases.of("ann"), leases.of("bob"), leases.of("cyd")) == (["a", "b"], ["a"], ["b"], [])
    assert leases.minutes_left() == 20
    clock.now += 1199
    assert leases.images == ["a", "b"]
    clock.now += 1
    assert leases.images == ["b"]
    clock.now += 600
    assert (leases.images, leases.minutes_left()) == ([], 0)


def test_what_is_taken_again_is_held_anew_and_last() -> None:
    leases, clock = made(60)
    leases.take("a", "ann")
    clock.now += 30
    leases.take("b", "ann")
    clock.now += 20
    leases.take("a", "ann")
    assert leases.of("ann") == ["b", "a"]
    clock.now += 45
    assert leases.of("ann") == ["a"]


def test_released_and_labelled_ones_are_free() -> None:
    leases, _ = made()
    for image in "abc":
        leases.take(image, "ann")
    leases.release("a")
    leases.release("never held")
    leases.keep_only({"a", "c", "d"})
    assert leases.images == ["c"]
