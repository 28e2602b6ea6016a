"""What the sandbox's creators say: our own phrase grammar, in four languages.

Rules that every phrase keeps, so that the truth can be inferred from what is drawn:

- a hook is the first slide, and is built from a hook template;
- a call to action contains one of the language's ``CTA_WORDS``, and nothing else does;
- a topic is named by its hashtags in the caption and by its own vocabulary on the slides;
- only what the sandbox can draw occurs: Latin letters, marks, digits, ``. , : ? ! % - '``.
"""

from __future__ import annotations

from carousel.sandbox.phrases import english, french, german, spanish
from carousel.sandbox.phrases.grammar import CATEGORIES, Language, Topic

LANGUAGES: dict[str, Language] = {
    module.LANGUAGE.code: module.LANGUAGE for module in (english, german, french, spanish)
}

__all__ = ["CATEGORIES", "LANGUAGES", "Language", "Topic"]
