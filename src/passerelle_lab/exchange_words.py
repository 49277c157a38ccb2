"""What the exchange's clients say by themselves; the rest is said by the exchange, in the same language."""

import os

WORDS: dict[str, dict[str, str]] = {
    "unreachable": {
        "en": "We could not reach the exchange. Your work is safe in your folder; try again in a minute.",
        "fr": "Nous n'avons pas pu joindre le serveur des envois. Ton travail est à l'abri dans ton dossier ; "
        "réessaie dans une minute.",
    },
    "unexpected": {
        "en": "The exchange answered something we do not understand ({status}). Try again in a minute.",
        "fr": "Le serveur des envois a répondu quelque chose que nous ne comprenons pas ({status}). Réessaie dans "
        "une minute.",
    },
    "no-address": {
        "en": "This server does not know where the exchange is (PASSERELLE_API, JUPYTERHUB_API_TOKEN). "
        "Stop it and start it again from the hub.",
        "fr": "Ce serveur ne sait pas où est le serveur des envois (PASSERELLE_API, JUPYTERHUB_API_TOKEN). "
        "Arrête-le et redémarre-le depuis le hub.",
    },
    "not-a-parcel": {
        "en": "What arrived is incomplete. Ask for it again.",
        "fr": "Ce qui est arrivé est incomplet. Redemande-le.",
    },
    "have-it": {
        "en": "You already have {folder}: your work there stays as it is. To get a missing file back, delete it "
        "and fetch with --replace.",
        "fr": "Tu as déjà {folder} : ton travail y reste tel quel. Pour retrouver un fichier manquant, efface-le et "
        "récupère l'unité avec --replace.",
    },
    "no-track": {
        "en": "Which track? Add --course and its name.",
        "fr": "Quel parcours ? Ajoute --course et son nom.",
    },
    "no-unit": {
        "en": "Which unit? Add its name.",
        "fr": "Quelle unité ? Ajoute son nom.",
    },
    "staff-only": {
        "en": "This is for the trainers of the track.",
        "fr": "C'est pour les formatrices du parcours.",
    },
    "receipts-stay": {
        "en": "What was submitted stays: receipts are never removed.",
        "fr": "Ce qui a été envoyé reste : les reçus ne sont jamais retirés.",
    },
    "released-already": {
        "en": "{unit} is already released in {track}; add --force to release this version.",
        "fr": "{unit} est déjà publiée dans {track} ; ajoutez --force pour publier cette version.",
    },
    "no-release-folder": {
        "en": "There is no {folder}: run `nbgrader generate_assignment {unit}` first.",
        "fr": "Il n'y a pas de dossier {folder} : lancez d'abord `nbgrader generate_assignment {unit}`.",
    },
    "ours": {
        "en": "Something stopped on our side ({what}). Your work is safe in your folder; try again in a minute.",
        "fr": "Quelque chose s'est arrêté de notre côté ({what}). Ton travail est à l'abri dans ton dossier ; "
        "réessaie dans une minute.",
    },
}


def language() -> str:
    """Return the language of whose server this is."""
    return os.environ.get("PASSERELLE_LANGUAGE") or "en"


def tell(words_id: str, **facts: object) -> str:
    """Return words in her language."""
    texts = WORDS[words_id]
    return texts.get(language(), texts["en"]).format(**facts)
