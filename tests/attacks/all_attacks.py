"""Every attack, by the class it belongs to."""

from tests.attacks.attack import Attack
from tests.attacks.submissions import (
    asking,
    bombs,
    channel,
    files,
    hijack,
    liars,
    notebooks,
    pages,
    reaching,
    reading,
    second,
    second_odd,
    state,
)  # fmt: skip

CLASSES: dict[str, tuple[Attack, ...]] = {
    "The verdict taken over": hijack.ATTACKS,
    "Objects that lie": liars.ATTACKS,
    "Answers by who asks": asking.ATTACKS,
    "The line to the examiner": channel.ATTACKS,
    "Reading what is hidden": reading.ATTACKS,
    "Reaching out": reaching.ATTACKS,
    "Using up what there is": bombs.ATTACKS,
    "Notebooks": notebooks.ATTACKS,
    "Files beside": files.ATTACKS,
    "Pages": pages.ATTACKS,
    "What is left behind": state.ATTACKS,
    "By a second pair of eyes": (*second.ATTACKS, *second_odd.ATTACKS),
}
ATTACKS: dict[str, Attack] = {attack.name: attack for attacks in CLASSES.values() for attack in attacks}
assert len(ATTACKS) == sum(map(len, CLASSES.values())), "two attacks have one name"
