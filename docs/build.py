"""Make what the pages take from the code: metrics, flags, settings, reasons and codes, in English and Chinese."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click
import yaml

from docs.settings import settings
from frs_exporter.cli import chinese_help
from frs_exporter.cli.main import COMMANDS, command
from frs_exporter.core.chinese import own_chinese
from frs_exporter.core.explanations import Text, codes, reasons, statuses
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import PAGE_FAMILIES

FOLDER = Path(__file__).parent
NAMES = ("configuration", "metrics", "operations")
PAGES = tuple(FOLDER / f"{name}{ending}.md" for name in NAMES for ending in ("", ".zh-CN"))
Translate = Callable[[str], str]
"""An English text of the code in the language of a page."""
Row = Iterable[str]


def chinese() -> Mapping[str, str]:
    """All Chinese that there is, that of --help included."""
    flags = {" ".join(english.split("\n\n")[0].split()): text for english, text in chinese_help.TEXTS.items()}
    return {**own_chinese(), **{english: text.split("\n\n")[0] for english, text in flags.items()}}


def to_chinese(text: str) -> str:
    """The Chinese of a text; raises KeyError where there is none."""
    return chinese()[text] if text else ""


def to_english(text: str) -> str:
    """The text itself."""
    return text


def code(text: str) -> str:
    """A text as code, nothing where there is none."""
    return f"`{text}`" if text else ""


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table of Markdown."""
    cells = [list(head), *map(list, rows)]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def own_families() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name, type, labels and help of the exporter's own metrics, which have labels once they have samples."""
    telemetry = Telemetry()
    telemetry.credential_rejected.labels("ops")
    telemetry.clock_skew.labels("frs")
    telemetry.show_credentials({"ops": False})
    telemetry.shard.labels(0, 1)
    telemetry.web_certificate_expiry.seconds = 1e9
    for by_rule in telemetry.by_rule:
        by_rule.labels("ops")
    for metric in telemetry.registry.collect():
        if metric.name.startswith("frs_"):
            (labels, *_) = [tuple(s.labels) for s in metric.samples if not s.name.endswith("_bucket")]
            yield metric.name + "_total" * (metric.type == "counter"), metric.type, labels, metric.documentation


def metrics(translate: Translate) -> str:
    """All families there may be on the page."""
    families = [(family.name, family.type, family.labels, family.help) for family in PAGE_FAMILIES]
    head = ("metric", "type", "labels", "help")
    rows = sorted([*families, *own_families()], key=lambda family: (family[0].startswith("frs_exporter_"), family[0]))
    return table(
        map(translate, head),
        ((code(name), kind, ", ".join(labels), translate(text)) for name, kind, labels, text in rows),
    )


def default_of(option: click.Option) -> str:
    """What holds without a flag, if help tells it."""
    if isinstance(option.show_default, str):
        return option.show_default
    if not option.show_default or option.default is None:
        return ""
    return " ".join(map(str, option.default)) if isinstance(option.default, list | tuple) else str(option.default)


def flag_rows(options: Iterable[click.Option], translate: Translate) -> Iterator[Row]:
    """A row for each flag: its names, its variable, its default, and what it is for."""
    for option in options:
        names = (*option.opts, *option.secondary_opts)
        text = translate(option.help or "")
        if isinstance(option.type, click.Choice):
            text += " " + ", ".join(code(str(choice)) for choice in option.type.choices)
        yield ", ".join(map(code, names)), code(str(option.envvar)), code(default_of(option)), text.strip()


def flags(translate: Translate) -> str:
    """The flags of each command, the exporter's own first."""
    parts = []
    for name in sorted(COMMANDS, key=lambda name: (name != "serve", name)):
        found = command(name)
        options = [option for option in found.params if isinstance(option, click.Option)]
        about = " ".join((found.help or "").split("\n\n")[0].split())
        parts.append(f"### {name}\n\n{translate(about)}")
        if options:
            head = map(translate, ("flag", "variable", "default", "what it does"))
            parts.append(table(head, flag_rows(options, translate)))
    return "\n\n".join(parts)


def all_settings(translate: Translate) -> str:
    """All settings of the config."""
    rows = ((code(key), translate(kind), default, translate(text)) for key, kind, default, text in settings(translate))
    return table(map(translate, ("setting", "type", "default", "what it is")), rows)


def spoken(text: Text, translate: Translate) -> str:
    """A text that has both languages already."""
    return text.zh if translate is to_chinese else text.en


def all_reasons(translate: Translate) -> str:
    """What each reason means, and what to do."""
    rows = (
        (code(name), spoken(about.means, translate), spoken(about.do, translate)) for name, about in reasons().items()
    )
    return table(map(translate, ("reason", "means", "what to do")), rows)


def all_codes(translate: Translate) -> str:
    """What each of the vendor's codes means, and what to do."""
    rows = (
        (code(name), str(statuses()[name]), spoken(about.means, translate), spoken(about.do, translate))
        for name, about in codes().items()
    )
    return table(map(translate, ("code", "HTTP", "means", "what to do")), rows)


PARTS: Mapping[str, Callable[[Translate], str]] = {
    "metrics": metrics,
    "flags": flags,
    "settings": all_settings,
    "reasons": all_reasons,
    "codes": all_codes,
}
"""What is made, by the name that its place in a page has."""


PLACE = re.compile(r"(<!-- begin (\w+): made by make docs -->)\n.*?\n(<!-- end \2 -->)", re.DOTALL)


def rendered(page: Path) -> str:
    """A page as it is to be."""
    translate = to_chinese if page.name.endswith(".zh-CN.md") else to_english

    def part(place: re.Match[str]) -> str:
        return f"{place[1]}\n\n{PARTS[place[2]](translate)}\n\n{place[3]}"

    return re.sub(
        r"(<!-- begin (\w+): .*? -->)\n.*?\n(<!-- end \2 -->)", part, page.read_text("utf-8"), flags=re.DOTALL
    )


def texts() -> set[str]:
    """All texts of the code that want Chinese."""
    found = set[str]()

    def noted(text: str) -> str:
        found.add(text)
        return text

    for made in PARTS.values():
        made(noted)
    return found - {""}


def main() -> None:
    """Make all pages; raises click.ClickException with the texts that have no Chinese yet."""
    if missing := sorted(texts() - set(chinese())):
        lines = yaml.safe_dump(dict.fromkeys(missing, "?"), width=1000, allow_unicode=True)
        raise click.ClickException(f"frs_exporter/core/chinese.yaml has no Chinese of\n{lines}")
    for page in PAGES:
        page.write_text(rendered(page), "utf-8")


if __name__ == "__main__":
    try:
        main()
    except click.ClickException as error:
        error.show()
        sys.exit(1)
