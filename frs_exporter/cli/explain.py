"""`explain`: what a vendor's code, an HTTP status or a reason means, why it happens and what to do."""

import click
from click.shell_completion import CompletionItem

from frs_exporter.cli.options import language
from frs_exporter.core.explanations import CODES, REASONS, Named, Text, named, similar
from frs_exporter.status.i18n import Translator

HEADINGS = {
    "causes": Text("Likely causes", "可能的原因"),
    "do": Text("What to do", "处理建议"),
    "retried": Text("Retried", "是否重试"),
    "reason": Text("reason", "原因"),
    "reasons": Text("Reasons, as in the label reason", "原因（标签 reason 的取值）"),
    "codes": Text("The vendor's codes", "华为云错误码"),
}


def known_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes and reasons that begin like this, in capitals or not."""
    names = [*CODES, *REASONS]
    return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


@click.command(
    epilog="""\b
Examples:
  frs-exporter explain FRS.0019
  frs-exporter explain APIGW.0301 --lang=zh
  frs-exporter explain 403
  frs-exporter explain               (lists all that is known)
"""
)
@click.argument("code", required=False, shell_complete=known_names)
@click.option("--lang", "words", callback=language, help="en or zh (default: as LANG says).")
def explain(code: str | None, words: Translator) -> None:
    """Tell what a failure means: CODE is a vendor's code, an HTTP status, or a reason from the metrics or the log."""
    if code is None:
        click.echo(list_all(words), nl=False)
        return
    found = named(code)
    if found is None:
        near = similar(code)
        remedy = f"did you mean {' or '.join(near)}?" if near else "without a CODE, all that are known are listed"
        click.echo(f"Error: {code!r} is not known here; {remedy}", err=True)
        raise click.exceptions.Exit(1)
    click.echo(render(found, words), nl=False)


def render(found: Named, words: Translator) -> str:
    """An explanation as lines for a terminal."""
    about, facts = found.explanation, []
    if found.status and not found.name.startswith("HTTP"):
        facts.append(f"HTTP {found.status}")
    if found.name != found.reason:
        facts.append(f"{words(HEADINGS['reason'])} {found.reason}")
    title = f"{found.name} ({', '.join(facts)})" if facts else found.name
    lines = [f"{title}: {words(about.means)}", "", f"{words(HEADINGS['causes'])}:"]
    lines += [f"  {number}. {words(cause)}" for number, cause in enumerate(about.causes, 1)]
    lines += ["", f"{words(HEADINGS['do'])}: {words(about.do)}"]
    lines += [f"{words(HEADINGS['retried'])}: {words(about.retried)}"]
    return "\n".join(lines) + "\n"


def list_all(words: Translator) -> str:
    """All that is known, a line each."""
    lines = []
    for heading, entries in (("reasons", REASONS), ("codes", CODES)):
        lines.append(f"{words(HEADINGS[heading])}:")
        lines += [f"  {name:<17} {words(entry.means)}" for name, entry in entries.items()]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"
