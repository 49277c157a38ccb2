"""Everything the exchange says when it cannot do what was asked: what was found, and the cure, in each language."""

from collections.abc import Mapping
from typing import Any, Self

from passerelle.model.course import in_language
from passerelle.model.errors import PasserelleError
from passerelle.model.parcel import ParcelError

TEXTS: dict[str, dict[str, str]] = {
    "who-are-you": {
        "en": "We don't know who is asking: log in again.",
        "fr": "Nous ne savons pas qui demande : il faut se reconnecter.",
    },
    "not-yours": {
        "en": "This belongs to somebody else, or your account does not open it.",
        "fr": "C'est à quelqu'un d'autre, ou ce compte n'y donne pas accès.",
    },
    "not-enrolled": {
        "en": "This account is not enrolled in {track}. Your coordinator can check the enrolment.",
        "fr": "Ce compte n'est pas inscrit au parcours {track}. La coordinatrice peut vérifier l'inscription.",
    },
    "not-found": {
        "en": "There is nothing here: check the address.",
        "fr": "Il n'y a rien ici : l'adresse est à vérifier.",
    },
    "not-released": {
        "en": "{unit} is not open yet in {track}. The list of units shows those that are.",
        "fr": "{unit} n'est pas encore ouverte dans {track}. La liste des unités montre celles qui le sont.",
    },
    "bad-request": {
        "en": "We could not read this request ({what}).",
        "fr": "Nous n'avons pas pu lire cette demande ({what}).",
    },
    "bad-key": {
        "en": "A submission needs an Idempotency-Key of 8 to 64 letters, digits, dashes or underscores.",
        "fr": "Un envoi demande un en-tête Idempotency-Key de 8 à 64 lettres, chiffres, tirets ou tirets bas.",
    },
    "key-reused": {
        "en": "This key already belongs to another submission. Send your work again, as a new submission.",
        "fr": "Cette clé appartient déjà à un autre envoi. Renvoie ton travail, comme un nouvel envoi.",
    },
    "language-unknown": {
        "en": "We have these languages: {languages}.",
        "fr": "Nous avons ces langues : {languages}.",
    },
    "ours": {
        "en": "Something on our side stopped. Nothing is lost; try again in a minute.",
        "fr": "Quelque chose s'est arrêté de notre côté. Rien n'est perdu ; il suffit de réessayer dans une minute.",
    },
    # What a parcel cannot hold (the ids are ParcelError's).
    "not-a-parcel": {
        "en": "What arrived is incomplete. Send it again.",
        "fr": "Ce qui est arrivé est incomplet : il faut le renvoyer.",
    },
    "too-big": {
        "en": "The folder holds {size_mb} MB; {max_mb} MB fit. Move large files out of it, then send it again.",
        "fr": "Le dossier fait {size_mb} Mo ; il en passe {max_mb}. Il faut en sortir les gros fichiers, puis "
        "le renvoyer.",
    },
    "too-many-files": {
        "en": "The folder holds {count} files; {max_count} fit. Move out those that the notebook does not need.",
        "fr": "Le dossier contient {count} fichiers ; il en passe {max_count}. Il faut en sortir ceux dont le "
        "notebook n'a pas besoin.",
    },
    "bad-name": {
        "en": "“{name}” cannot be a file's name here. Rename it, then send again.",
        "fr": "« {name} » ne peut pas être un nom de fichier ici. Il faut le renommer, puis renvoyer.",
    },
    "too-deep": {
        "en": "“{name}” lies more than {max_depth} folders deep. Move it up, then send again.",
        "fr": "« {name} » est à plus de {max_depth} dossiers de profondeur. Il faut le remonter, puis renvoyer.",
    },
    "link": {
        "en": "“{name}” is a link, not a file. Put a copy of the file in its place, then send again.",
        "fr": "« {name} » est un lien, pas un fichier. Il faut mettre une copie du fichier à sa place, puis renvoyer.",
    },
    "name-twice": {
        "en": "“{name}” is there twice (capital letters do not tell two names apart). Rename one, then send again.",
        "fr": "« {name} » y est deux fois (les majuscules ne suffisent pas à distinguer deux noms). Il faut en "
        "renommer un, puis renvoyer.",
    },
    # What a submission has to be.
    "no-notebook": {
        "en": "The notebook “{notebook}” is not in what you sent. Give it that name again, then send.",
        "fr": "Le notebook « {notebook} » n'est pas dans ton envoi. Redonne-lui ce nom, puis envoie.",
    },
    "unreadable-notebook": {
        "en": "We cannot read “{notebook}”: it is not a complete notebook. Open it, save it, then send it again; "
        "if it does not open, fetch the unit anew and copy your answers.",
        "fr": "Nous n'arrivons pas à lire « {notebook} » : ce n'est pas un notebook complet. Ouvre-le, enregistre-le, "
        "puis renvoie ; s'il ne s'ouvre pas, reprends l'unité et recopie tes réponses.",
    },
    "old-notebook": {
        "en": "“{notebook}” is in an old notebook format ({found}); format 4 is needed. Open it in JupyterLab and "
        "save it, then send it again.",
        "fr": "« {notebook} » est dans un ancien format de notebook ({found}) ; il faut le format 4. Ouvre-le dans "
        "JupyterLab et enregistre-le, puis renvoie.",
    },
    "other-kernel": {
        "en": "“{notebook}” is set to run {found}; it needs Python. In the notebook choose Kernel, Change Kernel, "
        "Python 3, save, then send it again.",
        "fr": "« {notebook} » est réglé sur {found} ; il lui faut Python. Dans le notebook, choisis Noyau, Changer de "
        "noyau, Python 3, enregistre, puis renvoie.",
    },
}


class ApiError(PasserelleError):
    """An answer that is no: an HTTP status, an id and its facts, put into words when it is sent."""

    status: int
    id: str
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, status: int, error_id: str, **facts: Any) -> Self:
        """Build the error from its facts."""
        error = cls(TEXTS[error_id]["en"].format(**facts))
        error.status, error.id, error.facts = status, error_id, facts
        return error

    @classmethod
    def from_parcel(cls, fault: ParcelError) -> Self:
        """Build the error from a fault of a parcel."""
        return cls.of(422, fault.fault, **fault.facts)

    def words(self, language: str) -> str:
        """Return what to say in a language."""
        return in_language(TEXTS[self.id], language).format(**self.facts)
