"""What an answer left open, for whoever reads it: a text in both languages, filled in when it is read (pure)."""

from dataclasses import dataclass

from frs_exporter.core.explanations import Text, both

NAMES = Text(", ", "、")
"""What stands between names."""

Value = str | int | Text | tuple[str, ...]
"""What a text is filled in with: a tuple is of names."""


@dataclass(frozen=True, slots=True)
class Note:
    """A text with places for values; `region` is the one of whose projects all of it is so, empty for one of its own.

    It keeps what it is made of, so that one of thousands of jobs is small, and equal ones can be one object.
    """

    template: Text
    values: tuple[tuple[str, Value], ...] = ()
    region: str = ""

    @property
    def text(self) -> Text:
        """All of it, in both languages."""
        text = self._filled(self.template)
        return Text(f"{self.region}: {text.en}", f"{self.region}：{text.zh}") if self.region else text

    @property
    def about(self) -> str:
        """What it is about, in English: what changes after the colon is no news."""
        about = self.template.en.partition(":")[0]
        return self._filled(Text(about, about)).en

    def _filled(self, text: Text) -> Text:
        return both(text, **{name: joined(value) for name, value in self.values})


def joined(value: Value) -> str | int | Text:
    """A value as it is written: names with what stands between them."""
    return Text(NAMES.en.join(value), NAMES.zh.join(value)) if isinstance(value, tuple) else value


def note(template: Text, *, region: str = "", **values: Value) -> Note:
    """A note of a text that is filled in with values."""
    return Note(template, tuple(values.items()), region)
