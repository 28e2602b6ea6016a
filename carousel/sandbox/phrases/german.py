"""German phrases (with ``ss`` for the sharp s, as in Switzerland: the font has none)."""

from __future__ import annotations

from carousel.sandbox.phrases.grammar import Language, Topic

_TOPICS = {
    "fitness": Topic(
        things=("dein Training am Morgen", "Kraft ohne Geräte", "den ersten Klimmzug"),
        tips=(
            "Wärme dich {m} Minuten auf, bevor du schwer hebst",
            "Gehe nach dem Mittagessen {m} Minuten spazieren",
            "Trainiere die Beine zweimal pro Woche",
            "Schreibe jeden Satz auf und steigere das Gewicht langsam",
            "Schlafe acht Stunden, denn Muskeln wachsen nachts",
            "Höre auf, bevor die Technik schlechter wird",
            "Trinke vor jedem Training ein Glas Wasser",
            "Dehne abends {m} Minuten deine Hüfte",
        ),
        hashtags=("fitness", "muskelaufbau", "trainingzuhause"),
    ),
    "finance": Topic(
        things=("dein erstes Budget", "Geld am Monatsende", "den Notgroschen"),
        tips=(
            "Eröffne ein zweites Konto und überweise zehn Prozent am Zahltag",
            "Kündige drei Abos, die du vergessen hast",
            "Warte {m} Tage, bevor du etwas Teures kaufst",
            "Zahle zuerst die teuersten Schulden zurück",
            "Lege drei Monatsmieten zurück, bevor du anlegst",
            "Prüfe jeden Sonntag {m} Minuten deine Ausgaben",
            "Vergleiche deine Versicherungen im November",
            "Gib jedem Euro eine Aufgabe, bevor der Monat beginnt",
        ),
        hashtags=("finance", "finanzen", "geldtipps"),
    ),
    "skincare": Topic(
        things=("trockene Haut im Winter", "deine Abendroutine", "Sonnenschutz"),
        tips=(
            "Wasche dein Gesicht mit lauwarmem Wasser",
            "Trage jeden Morgen Sonnencreme auf, auch bei Regen",
            "Probiere nur ein neues Produkt und warte zwei Wochen",
            "Wechsle den Kissenbezug alle drei Tage",
            "Lass das Serum {m} Minuten einziehen",
            "Fasse dir tagsüber nicht ins Gesicht",
            "Schminke dich immer ab, bevor du schläfst",
            "Nimm eine milde Reinigung ohne Duftstoffe",
        ),
        hashtags=("skincare", "hautpflege", "gesundehaut"),
    ),
    "travel": Topic(
        things=("ein Wochenende in Zürich", "leichtes Gepäck", "günstige Bahntickets"),
        tips=(
            "Buche den Zug sechs Wochen vor der Abreise",
            "Komme {m} Minuten früher und iss dort, wo die Leute essen",
            "Packe nur eine Tasche und wasche unterwegs",
            "Lade die Karte vor dem Flug herunter",
            "Besuche Museen am ersten Sonntag im Monat",
            "Schicke dir eine Kopie deines Passes per Mail",
            "Frage im Hotel nach einem ruhigen Zimmer",
            "Nimm die frühe Fähre, dann ist der Strand noch leer",
        ),
        hashtags=("travel", "reisetipps", "reisen"),
    ),
    "cooking": Topic(
        things=("frische Nudeln", "Kochen für eine Person", "bessere Tomatensauce"),
        tips=(
            "Salze das Wasser, bis es nach Meer schmeckt",
            "Brate die Zwiebeln {m} Minuten bei kleiner Hitze",
            "Behalte eine Tasse Nudelwasser für die Sauce",
            "Lass den Teig {m} Minuten unter einer Schüssel ruhen",
            "Röste die Gewürze zuerst ohne Öl",
            "Gib die Zitrone erst am Schluss dazu",
            "Friere frische Kräuter in Olivenöl ein",
            "Schärfe dein Messer vor jedem grossen Essen",
        ),
        hashtags=("cooking", "kochen", "einfacherezepte"),
    ),
    "productivity": Topic(
        things=("konzentriertes Arbeiten", "deinen Tagesplan", "ein leeres Postfach"),
        tips=(
            "Plane den nächsten Tag in {m} Minuten",
            "Erledige das Schwerste vor der ersten Mail",
            "Schalte alle Meldungen bis zum Mittag aus",
            "Arbeite in Blöcken von {m} Minuten mit kurzen Pausen",
            "Schreibe ein Ziel auf Papier und lege es auf den Tisch",
            "Sage Nein zu Sitzungen ohne Plan",
            "Sammle kleine Aufgaben und erledige sie zusammen",
            "Schaue jeden Freitag auf deine Woche zurück",
        ),
        hashtags=("productivity", "produktivität", "fokus"),
    ),
    "study": Topic(
        things=("die Prüfungswoche", "Vokabeln", "bessere Notizen"),
        tips=(
            "Prüfe dich selbst, bevor du das Kapitel nochmals liest",
            "Lerne {m} Minuten und gehe dann um den Block",
            "Erkläre das Thema laut, als wärst du die Lehrerin",
            "Wiederhole neue Wörter nach einem Tag und nach einer Woche",
            "Lege dein Handy in ein anderes Zimmer",
            "Löse alte Prüfungen unter Zeitdruck",
            "Schreibe deine Notizen in eigenen Worten neu",
            "Beginne mit dem Thema, das du am wenigsten magst",
        ),
        hashtags=("studytips", "lernen", "lerntipps"),
    ),
}

LANGUAGE = Language(
    code="de",
    hooks=(
        "{n} Dinge über {thing}, die dir niemand sagt",
        "Hör auf zu scrollen: das ändert {thing} für immer",
        "{n} Fehler rund um {thing}, die fast alle machen",
        "Was ich über {thing} gern früher gewusst hätte",
        "Die Wahrheit über {thing}",
    ),
    extras=(
        "Es dauert kürzer, als du denkst.",
        "Kaum jemand macht das.",
        "Das hat für mich alles verändert.",
        "Fang heute an, nicht am Montag.",
        "Klingt einfach, wirkt aber stark.",
    ),
    ctas=(
        "Folge mir für mehr Tipps",
        "Speichere diesen Beitrag für später",
        "Was probierst du zuerst? Schreib es in die Kommentare",
        "Link in Bio für die ganze Liste",
        "Teile das mit jemandem, der es braucht",
    ),
    cta_words=("folge mir", "speichere", "kommentare", "link in bio", "teile das"),
    captions=(
        "Alles über {thing} ✨",
        "Teil zwei: {thing} 👇",
        "Ehrlich gesagt: {thing} 🙌🏽",
        "Heute geht es um {thing} 💡",
    ),
    bios=("Kleine Schritte, jeden Tag", "Tipps ohne Lärm ✨", "Zweimal pro Woche neu"),
    topics=_TOPICS,
)
