"""An index of words that knows scripts without spaces, and needs no server's idea of letters."""

from __future__ import annotations

import django.contrib.postgres.indexes
from django.db import migrations
from django.db.models import Func, Q

UNSPACED = (
    r"\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2190-\u2bff\u2e80-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0003ffff"
)
SIGNS = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u00d7\u00f7\u02bb-\u02bd\u037e\u0384\u0385\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3"
    r"\u05c6\u05f3\u05f4\u0609-\u060d\u061b-\u061f\u066a-\u066d\u06d4\u0700-\u070d\u0964\u0965\u0970"
    r"\u2000-\u20ff\u2e00-\u2e7f\ufe00-\ufe0f"
)
# What ocr/lexemes.py does, and says. A lexeme has at most 2,046 bytes, so a text that may have a
# longer word takes the slower way, which cuts them. The cost keeps the planner from computing it
# row by row where it could look it up.
LEXEMES = f"""
CREATE FUNCTION ocr_lexemes(said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
SELECT array_to_tsvector(
    CASE WHEN octet_length(said) <= 2000
    THEN array_remove(regexp_split_to_array(said, '[{SIGNS}{UNSPACED}]+'), '')
    ELSE ARRAY(
        SELECT left(word, 500) FROM regexp_split_to_table(said, '[{SIGNS}{UNSPACED}]+') AS word
        WHERE word <> ''
    ) END
    || CASE WHEN said ~ '[{UNSPACED}]' THEN ARRAY(
        SELECT CASE WHEN is_next THEN letter || next ELSE letter END
        FROM (
            SELECT letter, is_unspaced, lead(letter) OVER there AS next,
                   lead(is_unspaced) OVER there AS is_next
            FROM (
                SELECT letter, place, letter ~ '[{UNSPACED}]' AS is_unspaced
                FROM unnest(string_to_array(said, NULL)) WITH ORDINALITY AS each (letter, place)
            ) AS letters
            WINDOW there AS (ORDER BY place)
        ) AS neighbours
        WHERE is_unspaced
    ) ELSE '{{}}' END
);
END
"""
# A phrase may run over lines: words are one space apart.
SPACED = r"""
UPDATE ocr_slidereading SET search_text = btrim(regexp_replace(search_text, '\s+', ' ', 'g'))
WHERE search_text ~ '^\s|\s\s|\s$|[\t-\r]'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0007_refusals"),
    ]

    operations = [
        migrations.RunSQL(LEXEMES, "DROP FUNCTION ocr_lexemes(text)"),
        migrations.RunSQL(SPACED, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="slidereading", name="slidereading_words"),
        migrations.AddIndex(
            model_name="slidereading",
            index=django.contrib.postgres.indexes.GinIndex(
                Func("search_text", function="ocr_lexemes"),
                name="slidereading_words",
                condition=~Q(search_text=""),
            ),
        ),
    ]
