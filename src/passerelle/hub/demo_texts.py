"""Who is in the demo year, and what they say: plants for handles, invented first names, invented sentences."""

Said = dict[str, tuple[str, ...]]
"""Sentences in each language; the same place says the same."""

_FELLOWS = """
    alder aspen aster anise balsam bamboo birch bramble broom camellia caraway chervil clover cornflower cosmos
    currant cypress daisy dill elder fennel fig flax foxglove freesia gorse hawthorn hazel heather holly hyssop
    ivy jasmine juniper larch laurel lavender lilac linseed lovage
"""
_MENTORS = """
    lotus lupin mallow marjoram mint myrtle nettle olive orchid oregano peony plum poplar poppy primrose quince
    rosemary rowan saffron sage
"""
_FIRST_NAMES = """
    Alma Anouk Asha Aylin Bella Camila Celia Dana Diane Dina Elena Elif Emma Esra Eva Fatou Flora Gaia Hana Hila
    Ida Ilma Inaya Iris Jana Jeanne Julia Kaya Kira Lamia Lea Leila Lina Lou Luna Maia Mara Mila Mina Mira Nadia
    Naima Nara Nina Noa Nora Olga Oumou Paula Rana Rita Rosa Salma Samia Sara Selma Sofia Tara Tessa Uma Vera
    Yara Zara Zoe
"""
FELLOWS, MENTORS, FIRST_NAMES = (tuple(words.split()) for words in (_FELLOWS, _MENTORS, _FIRST_NAMES))
TRAINERS = ("sorrel", "sumac", "tansy")
COORDINATOR = "thyme"
PARTNER = "Association Exemple"
"""Whom exports for outside are for."""
EXPORT_REASON = {
    "en": "She asked for a page that she can show.",
    "fr": "Elle a demandé une page qu’elle peut montrer.",
}

GOALS: Said = {
    "en": (
        "An apprenticeship in September, in a small team.",
        "A first job where I can go on learning.",
        "To show three pieces of work that are mine.",
        "To choose between two kinds of jobs, knowing both.",
    ),
    "fr": (
        "Une alternance en septembre, dans une petite équipe.",
        "Un premier emploi où je continue d’apprendre.",
        "Pouvoir montrer trois réalisations à moi.",
        "Choisir entre deux métiers en connaissant les deux.",
    ),
}
QUESTIONS: Said = {
    "en": (
        "How do I explain this unit in an interview?",
        "What does a first day in your team look like?",
        "Which of my pieces would you show first?",
        "How do you ask a colleague for help?",
    ),
    "fr": (
        "Comment expliquer cette unité en entretien ?",
        "À quoi ressemble un premier jour dans votre équipe ?",
        "Laquelle de mes réalisations montrer en premier ?",
        "Comment demandez-vous de l’aide à un collègue ?",
    ),
}
NOTES: Said = {
    "en": (
        "We read her last piece together. She explained each step without looking at her notes.",
        "We talked about the job offer she had brought, and which of its words she knows already.",
        "She showed where she was stuck; drawing it on paper helped. Next time we begin with her question.",
        "We practised introducing oneself in two minutes, twice.",
    ),
    "fr": (
        "Nous avons relu sa dernière réalisation. Elle a expliqué chaque étape sans ses notes.",
        "Nous avons parlé de l’offre qu’elle avait apportée, et des mots qu’elle connaît déjà.",
        "Elle a montré où elle bloquait ; un dessin sur papier a aidé. La prochaine fois, sa question d’abord.",
        "Nous avons répété deux fois une présentation de deux minutes.",
    ),
}
HER_ACTIONS: Said = {
    "en": ("write three lines about the last unit", "choose one job offer", "send the question before the meeting"),
    "fr": ("écrire trois lignes sur la dernière unité", "choisir une offre d’emploi", "envoyer la question avant"),
}
MENTORS_ACTIONS: Said = {
    "en": ("send two job adverts", "introduce her to a colleague", "read her profile text"),
    "fr": ("envoyer deux offres", "la présenter à une collègue", "relire son texte de profil"),
}
WENT_WELL: Said = {
    "en": ("We looked at one thing to the end.", "We kept to the time.", "There was room for questions."),
    "fr": (
        "Nous avons regardé une chose jusqu’au bout.",
        "Nous avons tenu l’horaire.",
        "Les questions ont eu leur place.",
    ),
}
NEXT_TIME: Said = {
    "en": ("Begin with the question.", "Look at the code together.", "Leave five minutes for the actions."),
    "fr": ("Commencer par la question.", "Regarder le code ensemble.", "Garder cinq minutes pour les actions."),
}
STUCK: Said = {
    "en": (
        "I find another number each time I run it.",
        "I do not see what the message asks for.",
        "In a small example it works; with the whole file it does not.",
    ),
    "fr": (
        "Je trouve un autre nombre à chaque fois.",
        "Je ne comprends pas le message.",
        "Avec un petit exemple ça marche, avec tout le fichier non.",
    ),
}
ANSWERS: Said = {
    "en": (
        "Run all cells from the top, then look at the second table: what is one row of it?",
        "The message names one place. Print what you have there, and send me the line.",
    ),
    "fr": (
        "Relance toutes les cellules depuis le haut, puis regarde le second tableau : qu’est-ce qu’une ligne ?",
        "Le message nomme un endroit. Affiche ce que tu y as, et envoie-moi la ligne.",
    ),
}
COMMENTS: Said = {
    "en": ("Clear and short. Say the number of rows too.", "A good reason. Add one example.", "Yes, just so."),
    "fr": (
        "Clair et court. Combien de lignes ?",
        "Bonne raison. Et un exemple ?",
        "Oui : on le dit ainsi.",
    ),
}
EXPLANATIONS: Said = {
    "en": (
        "I kept what could be checked, and I say what I left out.",
        "I began with the smallest case, then all.",
    ),
    "fr": ("J’ai gardé ce qui se vérifie, et je dis ce que j’ai retiré.", "J’ai commencé par le plus petit cas."),
}
