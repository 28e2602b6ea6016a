"""What the drawn slides say: made up for this, in ten scripts. One entry per slide."""

from __future__ import annotations

from typing import Final

SCRIPTS: Final[dict[str, tuple[str, ...]]] = {
    "latin": (
        "5 habits that changed\nmy mornings",
        "Grüße aus München:\nso schmeckt Glück",
        "¿Por qué nadie te\ndice esto, mañana?",
        "Où manger à Paris\npour moins de 15 €",
    ),
    "greek": (
        "Πέντε συνήθειες\nπου άλλαξαν τη ζωή μου",
        "Αποθήκευσε το\nγια αργότερα",
        "Πιες νερό πριν\nαπό τον καφέ",
        "Η καλύτερη στιγμή\nείναι τώρα",
    ),
    "cyrillic": (
        "Пять привычек, которые\nизменили моё утро",
        "Сохрани этот пост\nи подпишись",
        "Пей воду до\nпервого кофе",
        "Лучшее время\nначать сегодня",
    ),
    "arabic": (
        "خمس عادات غيرت\nصباحي",
        "احفظ هذا المنشور\nلوقت لاحق",
        "اشرب الماء قبل\nالقهوة",
        "أفضل وقت للبدء\nهو اليوم",
    ),
    "hebrew": (
        "חמישה הרגלים ששינו\nלי את הבוקר",
        "שמרו את הפוסט\nלאחר כך",
        "לשתות מים לפני\nהקפה",
        "הזמן הטוב ביותר\nהוא היום",
    ),
    "devanagari": (
        "पाँच आदतें जिन्होंने\nमेरी सुबह बदल दी",
        "इस पोस्ट को बाद\nके लिए सहेजें",
        "कॉफी से पहले\nपानी पिएँ",
        "शुरू करने का सबसे\nअच्छा समय आज है",
    ),
    "thai": (
        "ห้านิสัยที่เปลี่ยน\nเช้าของฉัน",
        "บันทึกโพสต์นี้\nไว้ดูทีหลัง",
        "ดื่มน้ำก่อน\nกาแฟแก้วแรก",
        "เวลาที่ดีที่สุด\nคือวันนี้",
    ),
    "chinese": (
        "改变我早晨的\n五个习惯",
        "收藏这篇\n以后再看",
        "喝咖啡之前\n先喝一杯水",
        "最好的时间\n就是今天",
    ),
    "japanese": (
        "朝を変えた\n五つの習慣",
        "この投稿を\n保存してください",
        "コーヒーの前に\n水を飲む",
        "始めるなら\n今日がいちばん",
    ),
    "korean": (
        "나의 아침을 바꾼\n다섯 가지 습관",
        "나중을 위해\n저장하세요",
        "커피 전에\n물을 마시기",
        "시작하기 좋은 날은\n바로 오늘",
    ),
}

LINES: Final = (
    "Drink water before\nyou touch your phone",
    "How I saved $3,400\nin 6 months",
    "The 80/20 rule, explained\nin one minute",
    "Save this for later\nand follow for part 2",
    "7 Fehler, die dich beim\nAbnehmen bremsen",
    "Enregistre ce post\npour plus tard",
    "Você não precisa de\nmais motivação",
    "Salva questo post e\nseguimi per altri consigli",
)
"""Overlaid text of the usual size, for the kinds that make it hard to read."""

SMALL: Final = (
    "Results are from a survey of 412 people\nwho kept a diary for eight weeks.\n"
    "Source: our own count, March 2026.",
    "1. Put the phone into another room\n2. Write down three things for the day\n"
    "3. Begin with the one you like least\n4. Rest for five minutes every half hour",
    "Not financial advice. Past returns say\nnothing about what comes next,\n"
    "and fees of 0.35 % a year add up.",
    "Zutaten: 200 g Mehl, 2 Eier, 1/4 l Milch,\neine Prise Salz und etwas Öl.\n"
    "Alles verrühren, 20 Minuten ruhen lassen.",
)

EMOJI: Final = (
    ("Which one are you?\nTell me below", "😀"),
    ("Made with love\nin 10 minutes", "❤"),
    ("Small wins count\nevery single day", "⭐"),
    ("Save this one\nfor your next trip", "❤"),
)
"""Lines, and what is drawn behind the last of them."""

COLUMNS: Final = (
    (
        "Before and after",
        "I checked my phone\nfifty times a day\nand slept badly",
        "I leave it in the hall\nand read a book\nuntil I am tired",
    ),
    (
        "What nobody tells you",
        "The first month is\nthe hardest part\nof every habit",
        "After that it runs\nalmost by itself\nif you keep going",
    ),
    (
        "Two ways to begin",
        "All at once, with\na plan for the week\nand a friend",
        "One small step\nat a time, without\nany plan at all",
    ),
)
"""A headline over two columns of prose, each to be read to its end."""

ROWS: Final = (
    (("Monday", "Legs"), ("Tuesday", "Back"), ("Wednesday", "Rest"), ("Thursday", "Arms")),
    (("Rent", "$950"), ("Food", "$310"), ("Savings", "$400")),
)
"""Tables, to be read row by row."""
