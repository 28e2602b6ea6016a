"""Tell the language of a short text by its script, its letters and its commonest words.

The rule, in order: a script that one language dominates decides (Hangul is Korean, kana make Han
Japanese); for Latin script each common word counts one (once), each letter that few languages use
two, what the rest of the post is written in one and a half, and the highest sum wins if it is not
shared. Anything else is "".
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from typing import Final

_SCRIPT_LANGUAGE: Final = {
    "HANGUL": "ko",
    "ARABIC": "ar",
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "CYRILLIC": "ru",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "ETHIOPIC": "am",
}

_WORDS: Final = {
    "en": """the and to of you your is in it for that this are with on not my have what how i be
        was they from will can just do about when why never stop more without before after if""",
    "de": """der die das und ich du nicht ist zu den mit für dich dir auf ein eine wie was wenn
        dein deine mein im von dem bei so es wir sie aus auch mehr diese dass oder ohne aber""",
    "fr": """le la les et de des du un une est pas pour que qui dans tu vous ce cette mon ton sur
        avec plus je ne au aux comment pourquoi sans mais ou ça sont fait tout""",
    "es": """el la los las y de que en un una es no por para con tu mi lo se del como más cuando
        esto este esta pero sin si qué cómo te al hay todo su""",
    "it": """il la lo gli le e di che è un una non per con tuo mio del della come più perché
        questo questa ma sono nel al ti si cosa anche senza quando tutto da i""",
    "pt": """o a os as e de que em um uma é não para com seu sua do da no na mais como você por
        se isso este esta mas sem quando dos ao eu meu minha tudo""",
    "nl": """de het een en van ik je niet is dat op te in met voor zijn er aan maar om wat hoe
        jouw mijn bij dit deze als ook naar meer geen wie kan dan""",
    "sv": """och att det som en är på jag inte för med av till du den har ett om så din min kan
        när hur vad mer utan eller""",
    "da": """og at det som en er på jeg ikke for med af til du den har et om så din min kan når
        hvordan hvad mere uden eller dig""",
    "pl": """i w na nie to się z do że jest jak co dla od za po czy ale tak już tylko twój moje
        bez bardzo kiedy""",
    "cs": """a se na je to že v jak co pro ale s z do jsem není ten tak když také jen už být""",
    "tr": """ve bir bu için ile da de ne çok daha gibi en ben sen o mi var yok her nasıl neden
        olarak ama kadar""",
    "ro": """și de la în cu nu este un o pe că să mai din ce pentru sunt ai cum dar fără când""",
    "id": """yang dan di ini itu untuk tidak dengan dari kamu aku ke ada bisa akan cara apa saya
        jangan kalau lebih sudah""",
    "vi": """là và của có không cho một những bạn tôi được khi này để với người các trong""",
    "fi": """ja on ei se että en hän mutta kun niin minä sinä ovat mitä miten kuin""",
}

_LETTERS: Final = {
    "de": "ß",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "fr": "œùêèë",
    "pl": "łąęśźżń",
    "cs": "řěů",
    "tr": "ğış",
    "ro": "șțăţ",
    "vi": "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "da": "æø",
    "sv": "å",
    "it": "ìò",
}

_WORD: Final = re.compile(r"[^\W\d_]+")


def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for language, words in _WORDS.items():
        for word in words.split():
            owners[word] = (*owners.get(word, ()), language)
    return owners


_OWNERS: Final = _owners()


def detect(text: str, likely: str = "") -> str:
    """Return the ISO 639-1 code of the language ``text`` is written in, "" if undecided.

    ``likely`` is the language of what it belongs to; it decides where a few words could be either.
    """
    scripts = Counter(_script(char) for char in text if char.isalpha())
    if not scripts:
        return ""
    script, _ = scripts.most_common(1)[0]
    if script in ("CJK", "HIRAGANA", "KATAKANA"):
        return _east_asian(scripts)
    if script == "LATIN":
        return _latin(unicodedata.normalize("NFC", text).lower(), likely)
    return _refined(_SCRIPT_LANGUAGE.get(script, ""), text.lower())


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    name = unicodedata.name(char, "").split(" ", 1)[0]
    return "LATIN" if name == "FULLWIDTH" else name


def _east_asian(scripts: Counter[str]) -> str:
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    # A Chinese brand name may carry a stray kana; Japanese prose is never under a tenth.
    return "ja" if 10 * kana >= scripts["CJK"] + kana else "zh"


def _refined(language: str, text: str) -> str:
    if language == "ar":
        return "fa" if set(text) & set("پچژگ") else "ar"
    if language == "ru":
        if set(text) & set("іїєґ"):
            return "uk"
        return "sr" if set(text) & set("ђјљњћџ") else "ru"
    return language


def _latin(text: str, likely: str) -> str:
    votes: dict[str, float] = defaultdict(float)
    if likely in _WORDS:
        votes[likely] = 1.5
    for word in set(_WORD.findall(text)):
        owners = _OWNERS.get(word, ())
        for language in owners:
            votes[language] += 1 / len(owners)
    for language, letters in _LETTERS.items():
        votes[language] += 2 * sum(text.count(letter) for letter in letters)
    best = max(votes.values(), default=0.0)
    winners = [language for language, total in votes.items() if total == best > 0]
    return winners[0] if len(winners) == 1 else ""
