"""The text that Prometheus reads.

Format: version 0.0.4, prometheus.io/docs/instrumenting/exposition_formats. It is a page of plain
text; a library would bring a registry of its own, which numbers out of a database don't need.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line. ``suffix`` follows the family's name: ``_bucket``, ``_sum``, ``_count``."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. Names and labels are ours and well-formed; values may be anything."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def render(families: Iterable[Family]) -> str:
    """The page. A family without samples is left out."""
    return "".join(_family(family) for family in families if family.samples)


def histogram(
    labels: Mapping[str, str], bounds: Iterable[float], counts: Iterable[int], total: float
) -> list[Sample]:
    """Samples of one histogram: ``counts`` per bucket, one more than ``bounds``; their sum."""
    found: list[Sample] = []
    cumulated = 0
    for bound, count in zip([*bounds, math.inf], counts, strict=True):
        cumulated += count
        found.append(Sample(cumulated, {**labels, "le": _number(bound)}, "_bucket"))
    return [*found, Sample(total, labels, "_sum"), Sample(cumulated, labels, "_count")]


def _family(family: Family) -> str:
    words = family.help.replace("\\", r"\\").replace("\n", r"\n")
    head = f"# HELP {family.name} {words}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(_line(family.name, sample) for sample in family.samples)


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
    shown = f"{{{labels}}}" if labels else ""
    return f"{name}{sample.suffix}{shown} {_number(sample.value)}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
