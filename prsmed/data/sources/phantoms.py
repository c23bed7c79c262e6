"""Records of drawn images, which need no folder."""

from __future__ import annotations

from prsmed.data.record import Record
from prsmed.imaging.phantom import PHANTOM_KINDS, PhantomKind

_TARGETS: dict[PhantomKind, str] = {"ct": "nodule", "mr": "brain tumour", "photo": "skin lesion"}
_SEEDS = 1_000_000


def phantom_records(count: int, seed: int) -> list[Record]:
    """Records of drawn images, kinds in turn, every fifth one held out.

    Args:
        count: How many, over all kinds and both splits.
        seed: Another seed gives other images.
    """
    records = []
    for number in range(count):
        kind = PHANTOM_KINDS[number % len(PHANTOM_KINDS)]
        own_seed = seed * _SEEDS + number
        records.append(
            Record(
                image=f"phantom_{kind}/{own_seed}",
                mask=None,
                modality=f"phantom_{kind}",
                dataset="phantom",
                target=_TARGETS[kind],
                group=f"phantom{own_seed}",
                split="val" if number % 5 == 4 else "train",
                licence="Apache-2.0",
                seed=own_seed,
            )
        )
    return records
