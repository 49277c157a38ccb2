"""What of a check's verdict is proved by versions of it, where her own code had a say."""

import random
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from passerelle.grading.canaries import Tests, noted, tests

VARIANTS = (1, 2)
_CANARIES = 2
_PLACES = ((0,), (1,), (0, 1))


@dataclass
class Proof:
    """What is known of a check's tests.

    `seed`: of other values, never told. `needed`: numbers of the tests that a true answer meets; None: not known.
    `armed`: which tests a true answer does not meet, by variant of their change. `negated`: tests that are changed
    into the contrary, since other values would not do.
    """

    seed: str
    needed: list[int] | None
    armed: dict[str, list[int]] = field(default_factory=dict)
    negated: list[int] = field(default_factory=list)

    @classmethod
    def without_solution(cls, source: str, seed: str) -> "Proof":
        """Return what holds whatever the solution is."""
        known = tests(source)
        everyone = [*range(known.count)]
        negated = [number for number in everyone if number not in known.plain]
        return cls(seed, None, {str(variant): everyone for variant in VARIANTS}, negated)

    def is_good_for(self, known: Tests) -> bool:
        """Say whether who can read a version could not tell from it alone what it should be."""
        by_value = {number for one in self.armed.values() for number in one} - set(self.negated)
        return bool(by_value & known.hidden) if known.hidden else any(self.armed.values())


class Ending(Enum):
    """What versions say."""

    MET = "met"
    NOT_MET = "not met"
    TAMPERED = "tampered"


def draw(proof: Proof, hidden: Set[int]) -> list[dict[int, int]]:
    """Return the versions in the order in which they are run: which tests are changed, and how, in each.

    One is the check itself. Each armed test is changed in one of the others at least, and a hidden one never in the
    same ones as a released one: who knows by heart what was released learns nothing of what is hidden.
    """
    chance = random.SystemRandom()
    variants: dict[int, list[int]] = {}
    for variant in VARIANTS:
        for number in proof.armed.get(str(variant), ()):
            variants.setdefault(number, []).append(variant)
    if not variants:
        return [{}]
    places = chance.sample(_PLACES, len(_PLACES))
    apart = chance.randint(1, len(places) - 1) if 0 < len(hidden & variants.keys()) < len(variants) else None
    made: list[dict[int, int]] = [{} for _ in range(_CANARIES)]
    for number, known in variants.items():
        for place in chance.choice(places[:apart] if number in hidden or apart is None else places[apart:]):
            made[place][number] = chance.choice(known)
    made.append({})
    chance.shuffle(made)
    return made


def judge(proof: Proof, drawn: Sequence[Mapping[int, int]], told: Sequence[Mapping[str, Any]]) -> Ending:
    """Return what the notes of all versions say."""
    met = [{note[0] for note in one["notes"] if note[1]} for one in told]
    sure = [found - {note[0] for note in one["notes"] if not note[1]} for found, one in zip(met, told, strict=True)]
    itself = next(place for place, changed in enumerate(drawn) if not changed)
    if told[itself]["points"] <= 0 or sure[itself] != met[itself]:
        return Ending.NOT_MET
    if any(found & changed.keys() for found, changed in zip(met, drawn, strict=True)):
        return Ending.TAMPERED
    needed = set(proof.needed) if proof.needed is not None else met[itself]
    # A test that is as it was is met in every version, whatever else is asked.
    if any(needed - changed.keys() - found for found, changed in zip(sure, drawn, strict=True)):
        return Ending.NOT_MET
    return Ending.MET


def prove(source: str, seed: str, run: Callable[[str], Mapping[str, Any]]) -> Proof:
    """Find, on the reference solution, the tests that fail, as they must, when they ask for something else.

    Args:
        source: the check.
        seed: of other values.
        run: runs a version beside the solution; returns its notes.
    """

    def failing(changed: Mapping[int, int], negated: frozenset[int]) -> set[int]:
        notes = run(noted(source, seed=seed, changed=changed, negated=negated))["notes"]
        return {note[0] for note in notes} - {note[0] for note in notes if note[1]}

    # A test that names no value could be changed into its contrary alone: who reads a version would know it.
    valued = tests(source).valued
    needed = {note[0] for note in run(noted(source))["notes"] if note[1]}
    armed = [needed & valued & failing(dict.fromkeys(valued, variant), frozenset()) for variant in VARIANTS]
    rest = frozenset(needed.difference(*armed))
    if rest:
        contrary = rest & failing(dict.fromkeys(rest, 1), rest)
        armed = [one | contrary for one in armed]
    by_variant = {str(variant): sorted(one) for variant, one in zip(VARIANTS, armed, strict=True)}
    return Proof(seed, sorted(needed), by_variant, sorted(rest))
