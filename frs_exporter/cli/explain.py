"""`explain`: what a code, an alert, an exit code or a config's mistake means, why it is so and what to do."""

import difflib

import click
from click.shell_completion import CompletionItem

from frs_exporter.cli.common_flags import language_flag
from frs_exporter.cli.exit_codes import NOT_WELL
from frs_exporter.cli.explain_names import metrics_in, named_topics, topic_names
from frs_exporter.cli.explain_output import list_all, of_topic, render
from frs_exporter.core.explanations import Text
from frs_exporter.core.pasted import entries_of, manual_for, named_alone, names, nearest_names, unknown_codes
from frs_exporter.status.i18n import Translator

MAX_SHOWN = 60
"""Characters of what was typed that an error repeats."""
MAX_NAMES = 8
ERROR = Text("Error: ", "错误：")
UNKNOWN = Text("{code} is not known here", "此处没有关于 {code} 的说明")
MEANT = Text("; did you mean {names}?", "；是否指 {names}？")
OR = Text(" or ", " 或 ")
LISTED = Text("; without a CODE, all that are known are listed", "；不带 CODE 则列出全部已知内容")
MANUAL = Text("; the vendor lists such codes at {page}", "；华为云的错误码列表见 {page}")


def known_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names that begin like this, in capitals or not."""
    return [CompletionItem(name) for name in (*names(), *topic_names()) if name.lower().startswith(incomplete.lower())]


@click.command(
    epilog="""\b
Examples:
  frs-exporter explain FRS.0019
  frs-exporter explain APIGW.0301 --lang=zh
  frs-exporter explain 403
  frs-exporter explain FrsServiceFrozen
  frs-exporter explain frs_up
  frs-exporter explain domain_id
  frs-exporter explain exit 2
  frs-exporter explain 'config.yaml:12:5: defaults.poll_interval: must be between 1s and 1d'
  frs-exporter explain               (lists all that is known)
"""
)
@click.argument("code", nargs=-1, shell_complete=known_names)
@language_flag
def explain(code: tuple[str, ...], words: Translator) -> None:
    """Tell what something means: CODE is a vendor's code, an HTTP status, a reason from the metrics or the log, the
    name of an alert, a metric, a collector or a key of the config, an exit code, or a line that the log, --config.check
    or the vendor has printed.
    """
    text = " ".join(code)
    if not code:
        click.echo(list_all(words), nl=False)
        return
    topics = [] if named_alone(text.strip()) else named_topics(text)
    found = [] if topics else entries_of(text)
    topics = topics or ([] if found else metrics_in(text))
    manual = manual_for(text)
    if not found and not topics:
        near = (nearest_names(text) or difflib.get_close_matches(text, topic_names()))[:MAX_NAMES]
        remedy = words(MEANT, names=words(OR).join(near)) if near else words(LISTED)
        more = words(MANUAL, page=words(manual)) if manual else ""
        click.echo(f"{words(ERROR)}{words(UNKNOWN, code=in_quotes(text))}{remedy}{more}", err=True)
        raise click.exceptions.Exit(NOT_WELL)
    click.echo(
        "\n".join([render(entry, words) for entry in found] + [of_topic(topic, words) for topic in topics]), nl=False
    )
    if manual:
        click.echo(words(UNKNOWN, code=unknown_codes(text)[0]) + words(MANUAL, page=words(manual)), err=True)


def in_quotes(text: str) -> str:
    """What was typed, in quotes, and not all of it where it is long."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")
