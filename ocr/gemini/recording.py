"""Write an answer to the posts that were in its request, with their share of what it used."""

from __future__ import annotations

from collections.abc import Sequence

from ocr.engine import Context
from ocr.gemini.answers import Answer, choose_category, parse
from ocr.gemini.client import Reply
from ocr.gemini.prices import Price
from ocr.gemini.progress import Ask, Bundle, Post, shares


def record(
    bundle: Bundle, reply: Reply, price: Price, context: Context, *, batch: bool = False
) -> list[Ask]:
    """Match the answer by its labels; return what of the bundle it left out."""
    answer = parse(
        reply.text,
        {ask.label for ask in bundle.asks if not ask.is_judging},
        {post.label for post, _ in bundle.posts()},
    )
    groups = bundle.posts()
    given = shares(reply.input_tokens, [_size_in(post, asks) for post, asks in groups])
    taken = shares(reply.output_tokens, [_size_out(asks, answer) for _, asks in groups])
    for (post, asks), tokens_in, tokens_out in zip(groups, given, taken, strict=True):
        post.input_tokens += tokens_in
        post.output_tokens += tokens_out
        post.cost_usd += price.cost(tokens_in, tokens_out, batch=batch)
        found = {a.label: answer.slides[a.label] for a in asks if a.label in answer.slides}
        post.answered |= found
        if found:
            post.model_version = reply.model_version
        _record_category(post, answer, context)
    answered = answer.slides.keys() | answer.categories.keys()
    return [ask for ask in bundle.asks if ask.label not in answered]


def _record_category(post: Post, answer: Answer, context: Context) -> None:
    """The first answer counts: later ones have seen only a part of the post."""
    answered = answer.categories.get(post.label)
    if answered is None or post.category_answered:
        return
    names = [each.name for each in context.categories]
    allow_new = context.allow_new_categories
    post.category = choose_category(answered, names, allow_new=allow_new)
    post.category_answered = True


def _size_in(post: Post, asks: Sequence[Ask]) -> int:
    known = sum(len(slide.text) for slide in post.request.known)
    return 500 * len(asks) + (len(post.request.caption) + known) // 4


def _size_out(asks: Sequence[Ask], answer: Answer) -> int:
    found = [answer.slides[ask.label] for ask in asks if ask.label in answer.slides]
    return sum(120 + len(slide.text) + len(slide.description) for slide in found)
