"""Passwords that people can read, say and type: words of our own list, drawn by the system's secrets."""

import secrets
from pathlib import Path

PASSWORDS = "demo-passwords.txt"
"""In the directory of secrets: the demo people's passwords, a line each."""

# Short, concrete, spelt the same everywhere on a keyboard, in French or English; none sounds like another.
_LIST = """
    abeille acorn agate amber ancre anvil arbre arrow atlas aube badge baker balcon bambou banjo barge basalt basin
    beacon bicycle birch biscuit bison blanket bobine bottle boulder bridge brioche bronze brook bucket cabane cabin
    cactus camera candle canoe canyon carafe carbon caravan carpet castle cedre cello cerise chalk chapeau cherry
    chess chimney citron cliff clover cobalt cocoa comet compass copper coral cotton crayon cricket crystal cumin
    dahlia damson delta desk dolphin domino dragon drum dune eagle ebony echo elbow ember emerald engine fabric falcon
    farine fennel ferry fiddle figue filter flame flute forest fossil fountain galaxy garden garnet geyser ginger
    glacier globe granite gravel guitar hamac hammer harbour harp hazel hedge helmet hermit hibou hinge honey horizon
    ibis indigo insect iris island ivory jade jardin jasmin jersey jigsaw jungle juniper kayak kettle kiwi ladder
    lagoon lampe lantern laurel lava leather lemon lettre lichen lilac linen lizard lobster locket lune magnet mango
    maple marble marmot meadow melon menthe metal meteor mimosa mirror mitten moss moulin mountain muscade museum
    nacre napkin nectar needle nickel noisette notebook nougat nutmeg oasis ocean olive onyx opal orange orbit orchid
    origan otter oyster paddle palette panda papaya paper parsley pastel pebble pelican pencil pepper perle petal
    piano pigeon pine pivot planet plume pocket poivre pollen poppy portal pottery prairie prism puzzle quartz quilt
    quince rabbit radish raisin ravine reed ribbon river robin rocket roof rosemary ruby saddle saffron sail salad
    salmon sandal sapin satin saturn sculptor seagull sesame shadow shell silver sirocco sketch slate snow soleil
    spindle spiral spruce squirrel stable starling statue stone summit sundial swallow table tambour tangerine
    tapis teapot temple thistle thyme tiger timber tomato topaz torch tortoise tower tractor trellis tulip turbine
    turquoise umbrella urchin valley vanilla velvet verger violin volcano walnut warbler willow windmill winter
    wombat yacht yarn zebra zenith zephyr zinnia
"""
WORDS = tuple(_LIST.split())
COUNT = 5


def passphrase() -> str:
    """Return a fresh passphrase: five words, over 40 bits, beyond guessing through a log-in page."""
    return "-".join(secrets.choice(WORDS) for _ in range(COUNT))


def read_passwords(path: Path) -> dict[str, str]:
    """Return kept passwords by handle."""
    return dict(line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip())
