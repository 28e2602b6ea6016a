"""The form on a post's page: what a person may correct, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

from media_cache.admin import whole_picture
from ocr.models import PostCategory, Reading, SlideReading, SlideType
from tiktok.models import ContentType, Slide, TikTokPost
from tiktok.services import correct_slide, set_post_category


@dataclass(frozen=True, slots=True)
class Card:
    """One slide as the page shows it. ``read`` is what was read on it, if anything."""

    slide: Slide
    picture: SafeString
    read: SlideReading | None
    text: BoundField
    slide_type: BoundField


class PostForm(forms.ModelForm[TikTokPost]):
    """Category, and text and type of each slide.

    Each field carries the value that the page was made with, so that a slide which a machine read
    meanwhile is not taken for one that a person emptied.
    """

    class Meta:
        model = TikTokPost
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slides: list[Slide] = []
        self._read: dict[int, SlideReading] = {}
        if self.instance.pk and self.instance.content_type == ContentType.PHOTO:
            self._load()

    def _load(self) -> None:
        post, reading = self.instance, self.instance.reading
        self._slides = list(post.slides.select_related("asset").order_by("position"))
        if reading is not None:
            self._read = {slide.position: slide for slide in reading.slides.all()}
        if not self._slides:
            return
        self.fields["category"] = forms.ModelChoiceField(
            PostCategory.objects.all(),
            required=False,
            initial=reading.category_id if reading is not None else None,
            show_hidden_initial=True,
            widget=AutocompleteSelect(Reading._meta.get_field("category"), admin.site),
        )
        for slide in self._slides:
            read = self._read.get(slide.position)
            self.fields[f"text_{slide.position}"] = forms.CharField(
                label=f"text of slide {slide.position + 1}",
                required=False,
                strip=False,
                initial=(read.text if read else None) or "",
                show_hidden_initial=True,
                widget=forms.Textarea(attrs={"rows": 5}),
            )
            self.fields[f"type_{slide.position}"] = forms.ChoiceField(
                label=f"type of slide {slide.position + 1}",
                required=False,
                choices=[("", "not read"), *SlideType.choices],
                initial=read.slide_type if read else "",
                show_hidden_initial=True,
            )

    @property
    def cards(self) -> Iterator[Card]:
        """The slides in TikTok's order."""
        for slide in self._slides:
            place = slide.position
            yield Card(
                slide,
                whole_picture(slide.asset, alt=f"slide {place + 1}"),
                self._read.get(place),
                self[f"text_{place}"],
                self[f"type_{place}"],
            )

    @property
    def has_category(self) -> bool:
        """Whether there is a category to choose: only what is read has one."""
        return "category" in self.fields

    def correct(self) -> int:
        """Hand what was changed to the services; returns how many things were."""
        changed = set(self.changed_data)
        post = self.instance
        if "category" in changed:
            set_post_category(post, self.cleaned_data["category"])
        for slide in self._slides:
            text, slide_type = f"text_{slide.position}", f"type_{slide.position}"
            wanted: dict[str, str] = {}
            if text in changed:
                wanted["text"] = self.cleaned_data[text].replace("\r\n", "\n")
            if slide_type in changed and self.cleaned_data[slide_type]:
                wanted["slide_type"] = self.cleaned_data[slide_type]
            if wanted:
                correct_slide(post, slide.position, **wanted)
        return len(changed)
