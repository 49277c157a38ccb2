"""The demo year's three tracks in outline: units with tasks, checks and notes, but no notebook to open.

They have names of their own, so that they stand beside courses that are built from text.
"""

from dataclasses import dataclass

from passerelle.hub.demo_marks import RUBRICS
from passerelle.model.course import CheckCard, Course, CourseUnit, StaffNotes, Text, Unit

WEEKS = 26
VERSION = "demoyear"
"""Small letters and digits, as the version of a unit that is built from text."""


@dataclass(frozen=True)
class Outline:
    """A unit in outline: its first and last week, what it means to somebody who has never seen a notebook."""

    unit: str
    weeks: tuple[int, int]
    title: Text
    means: Text


def _unit(unit: str, weeks: tuple[int, int], en: str, fr: str, means_en: str, means_fr: str) -> Outline:
    return Outline(unit, weeks, {"en": en, "fr": fr}, {"en": means_en, "fr": means_fr})


_DATA = (
    _unit("d1-tables", (1, 2), "Tables with pandas", "Tableaux avec pandas",
          "load a table and say what is in it", "charger un tableau et dire ce qu’il contient"),
    _unit("d2-clean", (3, 5), "Clean data", "Nettoyer des données",
          "turn a messy file into one that can be trusted", "rendre fiable un fichier brouillon"),
    _unit("d3-charts", (6, 7), "Honest charts", "Graphiques honnêtes",
          "draw a picture of numbers that misleads nobody", "dessiner des chiffres sans tromper personne"),
    _unit("d4-joins", (8, 10), "SQL and joins", "SQL et jointures",
          "put two tables together by what they share", "réunir deux tableaux par ce qu’ils ont en commun"),
    _unit("d5-uncertainty", (11, 12), "Uncertainty", "Incertitude",
          "say how sure a figure is", "dire à quel point un chiffre est sûr"),
    _unit("d6-models", (13, 15), "First models", "Premiers modèles",
          "let a program learn from examples, and test it on others", "apprendre d’exemples, puis tester sur d’autres"),
    _unit("d7-validation", (16, 18), "Cross-validation", "Validation croisée",
          "find out whether a model is as good as it looks", "vérifier si un modèle est aussi bon qu’il le paraît"),
    _unit("d8-fairness", (19, 21), "Fairness and privacy", "Équité et vie privée",
          "see whom a figure treats differently", "voir qui un chiffre traite autrement"),
    _unit("d9-telling", (22, 23), "Tell it", "Raconter",
          "write one page that somebody can decide by", "écrire une page qui aide à décider"),
    _unit("d10-project", (24, 26), "An honest small project", "Mini-projet honnête",
          "answer a question of her own from beginning to end", "répondre à sa propre question, du début à la fin"),
)  # fmt: skip

_WEB = (
    _unit("w1-first-page", (1, 2), "First page", "Première page",
          "build a page that everybody can read", "construire une page lisible par tout le monde"),
    _unit("w2-forms", (3, 5), "Accessible forms", "Formulaires accessibles",
          "make a form that works without a mouse", "faire un formulaire utilisable sans souris"),
    _unit("w3-layout", (6, 7), "Responsive layout", "Mise en page adaptative",
          "make a page fit a telephone and a large screen", "adapter une page au téléphone et au grand écran"),
    _unit("w4-javascript", (8, 10), "JavaScript in the page", "JavaScript dans la page",
          "let a page answer to what somebody does", "faire réagir une page à ce que l’on fait"),
    _unit("w5-git", (11, 12), "Git in a team", "Git en équipe",
          "work with others on one set of files", "travailler à plusieurs sur les mêmes fichiers"),
    _unit("w6-api", (13, 15), "An API", "Serveur et API",
          "write the part of a site that nobody sees", "écrire la partie d’un site que personne ne voit"),
    _unit("w7-sql", (16, 18), "SQL data", "Données SQL",
          "store what people enter, safely", "garder ce que l’on saisit, en sécurité"),
    _unit("w8-connect", (19, 21), "Connect the page", "Relier l’interface",
          "let the page and the hidden part speak with each other", "faire dialoguer la page et la partie cachée"),
    _unit("w9-secure", (22, 23), "Test and secure", "Tester et sécuriser",
          "show that a log-in keeps others out", "montrer qu’une connexion protège des autres"),
    _unit("w10-directory", (24, 26), "A directory of services", "Annuaire solidaire",
          "build a site that a whole town could use", "construire un site utile à toute une ville"),
)  # fmt: skip

_SECURITY = (
    _unit("c1-law", (1, 2), "Law and ethics", "Loi et éthique",
          "know what is allowed before touching anything", "savoir ce qui est permis avant de commencer"),
    _unit("c2-passwords", (3, 5), "Passwords", "Mots de passe",
          "keep passwords so that a thief cannot read them", "garder des mots de passe qu’un voleur ne peut pas lire"),
    _unit("c3-cryptography", (6, 7), "Cryptography", "Cryptographie",
          "lock a message, and notice whether it was changed", "fermer un message et voir s’il a été modifié"),
    _unit("c4-captures", (8, 10), "Captures", "Captures réseau",
          "read what computers say to each other", "lire ce que les ordinateurs se disent"),
    _unit("c5-logs", (11, 12), "Logs", "Journaux",
          "find an attack in a long diary of a machine", "trouver une attaque dans le journal d’une machine"),
    _unit("c6-fix", (13, 15), "Find and fix", "Trouver et corriger",
          "close a hole without breaking what works", "fermer une faille sans casser ce qui marche"),
    _unit("c7-phishing", (16, 18), "Phishing", "Hameçonnage",
          "tell a false message from a true one", "distinguer un faux message d’un vrai"),
    _unit("c8-access", (19, 21), "Least privilege", "Moindre privilège",
          "give each person the keys she needs, and no more", "donner à chaque personne les clés utiles, et pas plus"),
    _unit("c9-threats", (22, 23), "Threat model", "Modéliser les menaces",
          "think of what could happen before it does", "penser à ce qui pourrait arriver avant que cela arrive"),
    _unit("c10-report", (24, 26), "An incident report", "Rapport d’incident",
          "tell what happened, from traces", "raconter ce qui s’est passé, d’après les traces"),
)  # fmt: skip

_ASK: dict[str, Text] = {
    "d1-tables": {"en": "what one row of her table is", "fr": "ce qu’est une ligne de son tableau"},
    "d2-clean": {"en": "one row that she kept or dropped, and why", "fr": "une ligne gardée ou retirée, et pourquoi"},
    "d3-charts": {"en": "one chart, and what it might hide", "fr": "un graphique, et ce qu’il pourrait cacher"},
    "d4-joins": {"en": "what one row of each table is", "fr": "ce qu’est une ligne de chaque tableau"},
    "d5-uncertainty": {
        "en": "a figure, and how far off it may be",
        "fr": "un chiffre, et sa marge d’erreur",
    },
    "d6-models": {"en": "an example that the program got wrong", "fr": "un exemple où le programme s’est trompé"},
    "d7-validation": {"en": "what the model was not shown", "fr": "ce que le modèle n’a pas vu"},
    "d8-fairness": {"en": "two groups, and the figure for each", "fr": "deux groupes, et le chiffre pour chacun"},
    "d9-telling": {"en": "the first sentence of her page", "fr": "la première phrase de sa page"},
    "d10-project": {
        "en": "her question, and her answer",
        "fr": "sa question, et sa réponse",
    },
    "w1-first-page": {"en": "her page on a telephone", "fr": "sa page sur un téléphone"},
    "w2-forms": {"en": "how to fill in her form without a mouse", "fr": "comment remplir son formulaire sans souris"},
    "w3-layout": {"en": "what moves when the window narrows", "fr": "ce qui bouge quand la fenêtre rétrécit"},
    "w4-javascript": {
        "en": "what happens at a click, and why",
        "fr": "ce que fait un clic, et pourquoi",
    },
    "w5-git": {"en": "a change of hers, and who read it", "fr": "une de ses modifications, et qui l’a relue"},
    "w6-api": {"en": "one address, and what it answers", "fr": "une adresse, et ce qu’elle répond"},
    "w7-sql": {"en": "one entry, from the form to the table", "fr": "une saisie, du formulaire au tableau"},
    "w8-connect": {"en": "what the page says when the server is away", "fr": "ce que dit la page sans le serveur"},
    "w9-secure": {"en": "an address that stays closed without log-in", "fr": "une adresse fermée sans connexion"},
    "w10-directory": {
        "en": "how somebody finds a service",
        "fr": "comment trouver un service",
    },
    "c1-law": {"en": "what she would ask for in writing first", "fr": "ce qu’elle ferait écrire avant de commencer"},
    "c2-passwords": {
        "en": "what is kept instead of the password",
        "fr": "ce qui remplace le mot de passe",
    },
    "c3-cryptography": {"en": "how a changed letter shows", "fr": "comment se voit une lettre changée"},
    "c4-captures": {
        "en": "one line, and who speaks in it",
        "fr": "une ligne, et qui y parle",
    },
    "c5-logs": {"en": "the line by which she found it", "fr": "la ligne qui lui a permis de trouver"},
    "c6-fix": {"en": "the hole, before and after", "fr": "la faille, avant et après"},
    "c7-phishing": {"en": "what gives one message away", "fr": "ce qui trahit un message"},
    "c8-access": {"en": "a key that she took away, and why", "fr": "un droit qu’elle a retiré, et pourquoi"},
    "c9-threats": {"en": "the first threat on her list", "fr": "la première menace de sa liste"},
    "c10-report": {"en": "what happened, hour by hour", "fr": "ce qui s’est passé, heure par heure"},
}
"""What to ask her to show, by unit."""

_TASKS: dict[str, dict[str, Text]] = {
    "demo-data": {
        "rows": {"en": "The right rows", "fr": "Les bonnes lignes"},
        "figures": {"en": "The figures", "fr": "Les chiffres"},
        "unseen": {"en": "On data not seen before", "fr": "Sur des données jamais vues"},
    },
    "demo-web": {
        "structure": {"en": "A clear structure", "fr": "Une structure claire"},
        "widths": {"en": "At three widths", "fr": "À trois largeurs"},
        "keyboard": {"en": "By the keyboard alone", "fr": "Au clavier, sans souris"},
    },
    "demo-security": {
        "found": {"en": "What was to be found", "fr": "Ce qu’il fallait trouver"},
        "refused": {"en": "What must be refused", "fr": "Ce qui doit être refusé"},
        "works": {"en": "What must still work", "fr": "Ce qui doit encore marcher"},
    },
}
_WHY = "explanation"
_POINTS = (2.0, 4.0, 2.0)
BY_HAND_POINTS = 2.0

_TRACKS: dict[str, tuple[Text, tuple[Outline, ...]]] = {
    "demo-data": (
        {"en": "Data science (demo)", "fr": "Science des données (démo)"},
        _DATA,
    ),
    "demo-web": (
        {"en": "Web development (demo)", "fr": "Développement web (démo)"},
        _WEB,
    ),
    "demo-security": (
        {"en": "Cybersecurity (demo)", "fr": "Cybersécurité (démo)"},
        _SECURITY,
    ),
}  # fmt: skip
TRACKS = tuple(_TRACKS)

# Task ids are the skills' ids too: each unit shows all three, and the explanation the fourth.
_SKILLS: dict[str, dict[str, Text]] = {
    "demo-data": {
        "rows": {"en": "choose the right rows", "fr": "choisir les bonnes lignes"},
        "figures": {"en": "work out figures", "fr": "calculer des chiffres"},
        "unseen": {"en": "hold on new data", "fr": "tenir sur des données nouvelles"},
    },
    "demo-web": {
        "structure": {"en": "structure a page clearly", "fr": "structurer clairement une page"},
        "widths": {"en": "fit any screen", "fr": "s’adapter à tout écran"},
        "keyboard": {"en": "work without a mouse", "fr": "se passer de souris"},
    },
    "demo-security": {
        "found": {"en": "find the traces", "fr": "trouver les traces"},
        "refused": {"en": "refuse what must be refused", "fr": "refuser ce qui doit l’être"},
        "works": {"en": "keep the rest working", "fr": "laisser marcher le reste"},
    },
}
_SKILL_TELLING: Text = {"en": "explain the work to others", "fr": "expliquer le travail aux autres"}


def check_of(task: str) -> str:
    """Return the key of a task's check."""
    return f"check-{task}"


def course(track: str) -> Course:
    """Return a track of the demo year."""
    title, outlines = _TRACKS[track]
    tasks = {**_TASKS[track], _WHY: {"en": "The explanation", "fr": "L’explication"}}
    return Course(
        track=track,
        title=title,
        weeks=WEEKS,
        skills={**_SKILLS[track], "telling": _SKILL_TELLING},
        units=tuple(_course_unit(track, one, tasks) for one in outlines),
    )


def _course_unit(track: str, outline: Outline, tasks: dict[str, Text]) -> CourseUnit:
    automatic = [task for task in tasks if task != _WHY]
    checks = [
        CheckCard(key=check_of(task), task=task, points=points, title=tasks[task])
        for task, points in zip(automatic, _POINTS, strict=True)
    ]
    checks.append(CheckCard(key=check_of(_WHY), task=_WHY, points=BY_HAND_POINTS, manual=True, title=tasks[_WHY]))
    card = Unit(
        unit=outline.unit,
        track=track,
        version=VERSION,
        title=outline.title,
        summary=outline.means,
        minutes=75,
        checks=tuple(checks),
        tasks=tasks,
        messages={
            "found": {
                "en": "Expected {expected}, found {found}.",
                "fr": "{expected} attendu, {found} trouvé.",
            },
            "look": {"en": "the first place where the two differ", "fr": "le premier endroit où les deux diffèrent"},
        },
    )
    notes = StaffNotes(means=outline.means, ask=_ASK[outline.unit], mentor=outline.means, trainer=outline.means)
    task_skills = {task: {task: 1.0} for task in automatic} | {_WHY: {"telling": 1.0}}
    return CourseUnit(
        card=card, notes=notes, task_skills=task_skills, rubrics={check_of(_WHY): RUBRICS[track]}, weeks=outline.weeks
    )
