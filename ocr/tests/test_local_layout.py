from __future__ import annotations

import math
import random

from ocr.local.boxes import Box
from ocr.local.layout import arrange


def box(
    left: float, top: float, width: float, height: float, text: str, score: float = 0.99
) -> Box:
    right, bottom = left + width, top + height
    return Box(((left, top), (right, top), (right, bottom), (left, bottom)), text, score)


def turned(piece: Box, degrees: float) -> Box:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = tuple((x * cos - y * sin, x * sin + y * cos) for x, y in piece.corners)
    return Box(corners, piece.text, piece.score)


PAGE = [
    box(100, 100, 300, 60, "Five habits"),
    box(430, 112, 200, 60, "that"),
    box(100, 190, 400, 60, "changed my"),
    box(120, 280, 300, 60, "mornings"),
]


def test_lines_go_down_and_pieces_of_a_line_go_right() -> None:
    assert arrange(PAGE).text == "Five habits that\nchanged my\nmornings"


def test_the_order_of_detection_does_not_matter() -> None:
    for seed in range(10):
        pieces = PAGE[:]
        random.Random(seed).shuffle(pieces)
        assert arrange(pieces).text == arrange(PAGE).text


def test_a_tilted_slide_reads_like_a_level_one() -> None:
    long_line = [box(100, 100, 300, 50, "left"), box(600, 100, 350, 50, "far right")]
    pieces = [*long_line, box(100, 160, 500, 50, "below")]
    for degrees in (-12, -4, 4, 12):
        assert arrange([turned(p, degrees) for p in pieces]).text == "left far right\nbelow"


def test_touching_pieces_of_chinese_are_joined_without_a_space() -> None:
    pieces = [
        box(100, 100, 200, 60, "早上"),
        box(305, 100, 200, 60, "好"),
        box(600, 100, 90, 60, "啊"),
    ]
    assert arrange(pieces).text == "早上好 啊"


def test_columns_of_japanese_go_from_right_to_left() -> None:
    pieces = [box(100, 100, 50, 400, "時不參一人"), box(300, 100, 50, 400, "有評是是")]
    assert arrange([begun_at(1, piece) for piece in pieces]).text == "有評是是\n時不參一人"


def begun_at(corner: int, piece: Box) -> Box:
    """The same box, its text beginning at another corner: 1 runs down, 2 is upside down, 3 up."""
    corners = (*piece.corners[corner:], *piece.corners[:corner])
    return Box(corners, piece.text, piece.score)


def test_a_slide_that_lies_on_its_side_or_stands_on_its_head_reads_like_an_upright_one() -> None:
    for degrees in (90, 180, 270, 174, 84):
        assert arrange([turned(piece, degrees) for piece in PAGE]).text == arrange(PAGE).text


def test_a_name_along_the_edge_is_a_line_of_its_own() -> None:
    edge = begun_at(3, box(20, 90, 40, 300, "@some.handle"))
    lines = arrange([*PAGE, edge]).lines
    assert sorted(lines) == sorted(("Five habits that", "changed my", "mornings", "@some.handle"))


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    left = [box(80, 300 + 60 * n, 380, 44, f"left {n}") for n in range(3)]
    right = [box(580, 310 + 60 * n, 400, 44, f"right {n}") for n in range(3)]
    head, foot = box(80, 100, 900, 70, "headline"), box(200, 700, 700, 44, "foot")
    wanted = ["headline", *(f"{s} {n}" for s in ("left", "right") for n in range(3)), "foot"]
    pieces = [head, *left, *right, foot]
    random.Random(3).shuffle(pieces)
    assert list(arrange(pieces).lines) == wanted


def test_three_columns_are_read_one_after_the_other() -> None:
    pieces = [
        box(50 + 340 * column, 300 + 60 * row, 280, 44, f"{column}.{row}")
        for row in range(3)
        for column in range(3)
    ]
    assert list(arrange(pieces).lines) == [f"{c}.{r}" for c in range(3) for r in range(3)]


def test_a_table_is_read_row_by_row() -> None:
    rows = [("Monday", "Legs"), ("Tuesday", "Back"), ("Wednesday", "Rest")]
    pieces = [
        box(left, 300 + 90 * n, 34 * len(cell), 60, cell)
        for n, row in enumerate(rows)
        for left, cell in zip((100, 700), row, strict=True)
    ]
    assert list(arrange(pieces).lines) == [" ".join(row) for row in rows]


def test_half_read_greek_is_counted_and_not_guessed() -> None:
    greek = box(100, 100, 400, 60, "ΠLε vερó πριV", 0.85)
    formula = box(100, 200, 400, 60, "area = π r²", 0.97)
    layout = arrange([greek, formula])
    assert (layout.text, layout.unread) == ("area = π r²", 1)


def test_noise_is_left_out() -> None:
    noise = [
        box(100, 100, 50, 50, "★★", 0.97),
        box(100, 300, 50, 50, "kk", 0.88),
        box(100, 400, 50, 50, "   .", 0.96),
        box(100, 500, 80, 40, "Al", 0.24),
    ]
    assert arrange(noise).text == ""
    assert arrange(noise).confidence is None
    assert arrange(noise).unread == 0


def test_lines_in_an_unknown_script_are_counted_and_not_guessed() -> None:
    unknown = [
        box(100, 100, 400, 60, "HE HRTOT", 0.61),
        box(100, 200, 700, 60, "", 0.0),
        box(100, 300, 500, 60, "     .", 0.86),
    ]
    layout = arrange(unknown)
    assert (layout.text, layout.unread, layout.confidence) == ("", 3, 0.0)
    both = arrange([*unknown, box(100, 400, 400, 60, "follow me")])
    assert (both.text, both.unread, both.confidence) == ("follow me", 3, 0.99)


def test_a_sure_page_number_is_kept() -> None:
    assert arrange([box(10, 10, 40, 60, "3", 0.99)]).text == "3"


def test_confidence_is_the_mean_weighted_by_length() -> None:
    pieces = [box(100, 100, 90, 60, "abcdefgh", 0.9), box(100, 200, 90, 60, "abcd", 0.96)]
    assert arrange(pieces).confidence == 0.92
