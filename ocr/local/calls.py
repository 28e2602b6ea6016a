"""Phrases by which a slide asks its reader to do something, folded, in several languages."""

from __future__ import annotations

from typing import Final

REQUESTS: Final = tuple(
    phrase.strip()
    for phrase in """
    follow me, follow us, follow for, follow along, follow and, follow @, and follow, save this,
    save it, save for later, save the post, save & share, save and share, share this, share it,
    share with, send this to, comment below, comment down, comment ", comment ', comment “,
    drop a comment, in the comments, in die kommentare, en los comentarios, en commentaire,
    nei commenti, nos comentarios, in de reacties, w komentarzu, link in my bio,
    link in bio, link in the bio, tag a, tag someone, tag your, dm me, message me, subscribe,
    sign up, turn on notifications, hit follow, hit the follow, like and, tap the link,
    get the guide, grab the, double tap,
    folge mir, folge uns, folge fur, folgt mir, folg mir, und folge, speichere dir, speicher dir,
    speicher das, speichere das, speichere diesen, teile das, teile diesen, teile es,
    kommentiere, schreib in die kommentare, abonniere, link in der bio, markiere,
    abonne-toi, abonnez-vous, enregistre ce, enregistre cette, enregistre-le, partage ce,
    partage a, partage avec, lien en bio, lien dans la bio, commente, dis-moi en commentaire,
    sigueme, siguenos, guarda este, guarda esto, guardalo, comparte este, comparte esto,
    comparte con, comenta, enlace en la bio, enlace en mi bio, suscribete, etiqueta a,
    seguimi, seguici, salva questo, salva il, salvalo, condividi, commenta, iscriviti,
    me siga, siga para, siga-me, segue para, segue ai, salve este, salve esse, salva esse,
    compartilhe, comente, link na bio, marque,
    volg me, volg ons, volg mij, volg voor, bewaar dit, bewaar deze, deel dit, deel deze,
    reageer, takip et, kaydet, yorum yap, obserwuj, zapisz to, zapisz ten, udostepnij, skomentuj,
    folj mig, folj oss, spara det har, simpan ini, bagikan, urmareste, sleduj, theo doi
    """.replace("\n", " ").split(",")
)
"""Each is found at the beginning of a word, on any slide but the first."""

UNSPACED_REQUESTS: Final = (
    *("フォローし", "フォローお", "フォローを", "保存し", "シェアし", "コメントし", "コメント欄"),
    *(
        "关注我",
        "点赞",
        "收藏",
        "评论区",
        "转发",
        "關注我",
        "點讚",
        "留言",
        "팔로우",
        "저장하",
        "공유하",
        "댓글",
    ),
)
"""The same for scripts that put no spaces between words, or endings behind them."""

_VERBS = """
    follow save share comment subscribe like repost tag folge folgen speichern speichere teilen
    teile abonne abonnez enregistre enregistrez partage partagez commentez sigue guarda comparte
    salva segui siga segue salve volg bewaar deel takip zapisz
"""
VERBS: Final = tuple(_VERBS.split())
"""Whole words that are enough on the last slide, where a post ends with its request."""
