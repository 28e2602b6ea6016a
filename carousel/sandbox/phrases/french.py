"""French phrases."""

from __future__ import annotations

from carousel.sandbox.phrases.grammar import Language, Topic

_TOPICS = {
    "fitness": Topic(
        things=("ta séance du matin", "la force sans matériel", "ta première traction"),
        tips=(
            "Échauffe toi {m} minutes avant de porter lourd",
            "Marche {m} minutes après le déjeuner",
            "Travaille tes jambes deux fois par semaine",
            "Note chaque série pour savoir quand progresser",
            "Dors huit heures, car les muscles poussent la nuit",
            "Arrête avant que la technique se dégrade",
            "Bois un verre d'eau avant chaque séance",
            "Étire tes hanches {m} minutes le soir",
        ),
        hashtags=("fitness", "musculation", "sportmaison"),
    ),
    "finance": Topic(
        things=("ton premier budget", "ton argent du mois", "ta réserve de secours"),
        tips=(
            "Ouvre un second compte et verse dix pour cent chaque mois",
            "Supprime trois abonnements que tu as oubliés",
            "Attends {m} jours avant un achat important",
            "Rembourse la dette la plus chère en premier",
            "Mets trois loyers de côté avant de placer ton argent",
            "Relis tes dépenses {m} minutes chaque dimanche",
            "Compare tes assurances en novembre",
            "Donne un rôle à chaque euro avant le début du mois",
        ),
        hashtags=("finance", "argent", "gerersonbudget"),
    ),
    "skincare": Topic(
        things=("la peau sèche en hiver", "ta routine du soir", "la crème solaire"),
        tips=(
            "Lave ton visage avec une eau tiède, jamais chaude",
            "Mets de la crème solaire chaque matin",
            "Teste un seul produit et attends deux semaines",
            "Change ta taie d'oreiller tous les trois jours",
            "Laisse pénétrer le sérum {m} minutes",
            "Ne touche pas ton visage pendant la journée",
            "Enlève ton maquillage avant de dormir",
            "Choisis un nettoyant doux sans parfum",
        ),
        hashtags=("skincare", "soinvisage", "bellepeau"),
    ),
    "travel": Topic(
        things=("un week-end à Lisbonne", "une valise légère", "le train pas cher"),
        tips=(
            "Réserve ton train six semaines avant le départ",
            "Arrive {m} minutes plus tôt et mange comme les gens du quartier",
            "Prends un seul sac et lave ton linge sur place",
            "Télécharge la carte avant le vol",
            "Visite les musées le premier dimanche du mois",
            "Garde une copie de ton passeport dans tes mails",
            "Demande une chambre calme à un étage élevé",
            "Prends le premier bateau pour avoir la plage vide",
        ),
        hashtags=("travel", "voyage", "bonsplansvoyage"),
    ),
    "cooking": Topic(
        things=("les pâtes maison", "la cuisine pour une personne", "ta sauce tomate"),
        tips=(
            "Sale bien l'eau avant de cuire les pâtes",
            "Laisse fondre les oignons {m} minutes à feu doux",
            "Garde une tasse d'eau de cuisson pour la sauce",
            "Laisse reposer la pâte {m} minutes sous un bol",
            "Grille les épices à sec dans une poêle",
            "Ajoute le citron à la fin, pas au début",
            "Congèle les herbes dans l'huile d'olive",
            "Aiguise ton couteau avant un grand repas",
        ),
        hashtags=("cooking", "cuisine", "recettefacile"),
    ),
    "productivity": Topic(
        things=("le travail profond", "ton plan du matin", "une boîte mail vide"),
        tips=(
            "Prépare demain en {m} minutes avant de fermer ton ordinateur",
            "Fais la tâche la plus dure avant le premier mail",
            "Coupe toutes les notifications avant midi",
            "Travaille par blocs de {m} minutes avec des pauses",
            "Écris un seul objectif sur papier",
            "Refuse les réunions sans ordre du jour",
            "Regroupe les petites tâches et termine les ensemble",
            "Fais le bilan de ta semaine le vendredi",
        ),
        hashtags=("productivity", "productivité", "organisation"),
    ),
    "study": Topic(
        things=("la semaine des examens", "le vocabulaire", "de meilleures notes"),
        tips=(
            "Teste toi avant de relire le chapitre",
            "Étudie {m} minutes, puis fais le tour du quartier",
            "Explique le sujet à voix haute comme un professeur",
            "Révise les mots nouveaux après un jour et une semaine",
            "Pose ton téléphone dans une autre pièce",
            "Refais les anciens examens en temps réel",
            "Réécris tes notes avec tes propres mots",
            "Commence par le sujet que tu aimes le moins",
        ),
        hashtags=("studytips", "étudiant", "révisions"),
    ),
}

LANGUAGE = Language(
    code="fr",
    hooks=(
        "{n} choses à savoir sur {thing}",
        "Personne ne te dit ça sur {thing}",
        "{n} erreurs très courantes avec {thing}",
        "Ce que j'ai appris sur {thing} en une semaine",
        "La vérité sur {thing}",
    ),
    extras=(
        "Ça prend moins de temps que tu crois.",
        "Presque personne ne le fait.",
        "Pour moi, ça a tout changé.",
        "Commence aujourd'hui, pas lundi.",
        "Simple, mais très efficace.",
    ),
    ctas=(
        "Abonne toi pour plus de conseils",
        "Enregistre ce post pour plus tard",
        "Tu commences par quoi? Dis le en commentaire",
        "Lien en bio pour la liste complète",
        "Partage avec une amie qui en a besoin",
    ),
    cta_words=("abonne toi", "enregistre", "commentaire", "lien en bio", "partage"),
    captions=(
        "Tout sur {thing} ✨",
        "Deuxième partie: {thing} 👇",
        "On parle de {thing} 🙌🏽",
        "Aujourd'hui: {thing} 💡",
    ),
    bios=("Petit à petit, chaque jour", "Des conseils sans bruit ✨", "Deux posts par semaine"),
    topics=_TOPICS,
)
