"""Explanations as text for a terminal, in the language that is wanted."""

import shutil
import textwrap
from collections.abc import Mapping

from frs_exporter.cli.explain_names import LABELS, NONE, Topic
from frs_exporter.core.alerts import Alert, alerts, without_links
from frs_exporter.core.explanations import Named, Text, codes, reasons
from frs_exporter.core.hints import ExitCode, Hint, exit_codes, hints
from frs_exporter.core.pasted import Entry
from frs_exporter.status.i18n import CHINESE, Translator

MAX_WIDTH = 100
HEADINGS = {
    "causes": Text("Likely causes", "可能的原因"),
    "do": Text("What to do", "处理建议"),
    "retried": Text("Retried", "是否重试"),
    "reason": Text("reason", "原因"),
    "alert": Text("alert", "告警"),
    "impact": Text("Impact", "影响"),
    "diagnosis": Text("How to find the cause", "如何找到原因"),
    "mitigation": Text("What to do", "处理建议"),
    "runbook": Text("Runbook", "处理手册"),
    "exit": Text("exit code", "退出码"),
    "config": Text("config", "配置"),
    "web": Text("web config", "Web 配置"),
    "log": Text("log", "日志"),
    "why": Text("Why, and what to do", "原因与处理建议"),
    "write": Text("Written right", "正确写法"),
    "reasons": Text("Reasons, as in the label reason", "原因（标签 reason 的取值）"),
    "codes": Text("The vendor's codes", "华为云错误码"),
    "alerts": Text("Alerts of deploy/prometheus", "deploy/prometheus 中的告警"),
    "exits": Text("Exit codes", "退出码"),
    "hints": Text(
        "Mistakes and warnings of a config; a line of --config.check is understood, too",
        "配置中的错误和警告，也可直接粘贴 --config.check 的输出",
    ),
    "events": Text(
        "Warnings and errors of the log; a line of it is understood, too", "日志中的警告和错误，也可直接粘贴日志行"
    ),
}


def render(entry: Entry, words: Translator) -> str:
    """An explanation as lines."""
    match entry:
        case Alert():
            return of_alert(entry, words)
        case ExitCode():
            return of_exit_code(entry, words)
        case Hint():
            return of_hint(entry, words)
        case _:
            return of_failure(entry, words)


def of_topic(topic: Topic, words: Translator) -> str:
    """What a metric, a collector or a key of the config is."""
    title, end = f"{topic.name} ({words(topic.kind)})", words("colon").rstrip()
    if len(topic.lines) == 1 and topic.lines[0][0] == topic.name:
        lines = [f"{title}{words('colon')}{words(topic.lines[0][1])}"]
    else:
        lines = [title + end, *(f"  {name}{words('colon')}{words(text)}" for name, text in topic.lines)]
    if topic.labels is not None:
        lines += ["", words(LABELS, names=", ".join(topic.labels)) if topic.labels else words(NONE)]
    return "\n".join(wrapped(line) for line in lines) + "\n"


def wrapped(line: str) -> str:
    """A line as wide as the terminal, but not too wide to be read."""
    columns = min(shutil.get_terminal_size().columns, MAX_WIDTH)
    return textwrap.fill(line, columns, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def heading(name: str, words: Translator) -> str:
    """A heading with its colon, alone in its line."""
    return words(HEADINGS[name]) + words("colon").rstrip()


def numbered(causes: tuple[Text, ...], words: Translator) -> list[str]:
    """The likely causes, one below the other."""
    lines = [heading("causes", words)]
    return lines + [f"  {number}. {words(cause)}" for number, cause in enumerate(causes, 1)]


def of_failure(found: Named, words: Translator) -> str:
    """What a failure means, why it happens, what to do, and whether it is retried."""
    about, facts = found.explanation, []
    if found.status and not found.name.startswith("HTTP"):
        facts.append(f"HTTP {found.status}")
    if found.name != found.reason:
        facts.append(f"{words(HEADINGS['reason'])} {found.reason}")
    name = found.name
    if found.name.startswith("APIG."):  # as the gateway itself writes it nowadays
        name += f" = APIGW.{found.name.removeprefix('APIG.')}"
    title = f"{name} ({', '.join(facts)})" if facts else name
    lines = [f"{title}{words('colon')}{words(about.means)}", "", *numbered(about.causes, words)]
    lines += ["", f"{words(HEADINGS['do'])}{words('colon')}{words(about.do)}"]
    lines += [f"{words(HEADINGS['retried'])}{words('colon')}{words(about.retried)}"]
    return "\n".join(lines) + "\n"


def of_exit_code(code: ExitCode, words: Translator) -> str:
    """What an exit code means."""
    lines = [
        f"{words(HEADINGS['exit'])} {code.number}{words('colon')}{words(code.means)}",
        "",
        *numbered(code.causes, words),
    ]
    return "\n".join([*lines, "", f"{words(HEADINGS['do'])}{words('colon')}{words(code.do)}"]) + "\n"


def of_hint(hint: Hint, words: Translator) -> str:
    """What is wrong with a config, and how to write it right; or what a line of the log tells."""
    where = HEADINGS["log" if hint.log else "web" if hint.web else "config"]
    lines = [
        f"{hint.name} ({words(where)}){words('colon')}{words(hint.means)}",
        "",
        f"{words(HEADINGS['why'])}{words('colon')}{words(hint.why)}",
    ]
    if hint.write:
        lines += ["", heading("write", words), textwrap.indent(hint.write.rstrip(), "  ")]
    return "\n".join(lines) + "\n"


def of_alert(alert: Alert, words: Translator) -> str:
    """What an alert means and what to do about it: its runbook, as it is printed."""
    title = f"{alert.name} ({words(HEADINGS['alert'])}, {alert.severity}){words('colon')}"
    blocks = [
        flowing(title + without_links(words(alert.meaning)), words),
        *(
            f"{heading(name, words)}\n{textwrap.indent(flowing(without_links(words(part)), words, 2), '  ')}"
            for name, part in (
                ("impact", alert.impact),
                ("diagnosis", alert.diagnosis),
                ("mitigation", alert.mitigation),
            )
        ),
        f"{words(HEADINGS['runbook'])}{words('colon')}{words(alert.page)}",
    ]
    return "\n\n".join(blocks) + "\n"


def flowing(markdown: str, words: Translator, indent: int = 0) -> str:
    """Markdown with paragraphs as wide as the terminal, but not too wide to be read; commands stay as they are."""
    blocks = []
    for index, part in enumerate(markdown.split("```")):
        if index % 2:  # the first line names the language
            blocks.append(textwrap.indent(part.split("\n", 1)[1].rstrip(), "    "))
        else:
            blocks += [paragraph(block, words, indent) for block in part.strip().split("\n\n") if block]
    return "\n\n".join(blocks)


def paragraph(block: str, words: Translator, indent: int) -> str:
    """A paragraph or a list, wrapped; Chinese is not, as it may be broken anywhere, which terminals do."""
    if words.language is CHINESE:
        return block
    columns = min(shutil.get_terminal_size().columns, MAX_WIDTH) - indent
    wrapper = textwrap.TextWrapper(width=columns, break_long_words=False, break_on_hyphens=False)
    if not block.startswith("- "):
        return wrapper.fill(block)
    wrapper.subsequent_indent = "  "
    return "\n".join(wrapper.fill(f"- {item}") for item in block.removeprefix("- ").split("\n- "))


def list_all(words: Translator) -> str:
    """All that is known, a line each."""
    sections: Mapping[str, dict[str, str]] = {
        "reasons": {name: words(about.means) for name, about in reasons().items()},
        "codes": {name: words(about.means) for name, about in codes().items()},
        "alerts": {name: in_a_line(alert, words) for name, alert in alerts().items()},
        "exits": {f"exit-{number}": words(code.means) for number, code in exit_codes().items()},
        "hints": {name: words(hint.means) for name, hint in hints().items() if not hint.log},
        "events": {name: words(hint.means) for name, hint in hints().items() if hint.log},
    }
    blocks = []
    for name, entries in sections.items():
        column = max(17, *map(len, entries))
        lines = [f"  {name:<{column}} {text}" for name, text in entries.items()]
        blocks.append("\n".join([heading(name, words), *lines]))
    return "\n\n".join(blocks) + "\n"


def in_a_line(alert: Alert, words: Translator) -> str:
    """What an alert tells, in one sentence: its summary, or the first of its meaning, as rules speak English alone."""
    sentence, _, _ = without_links(alert.meaning.zh).replace("\n", "").partition("。")
    return words(Text(alert.summary.rstrip("."), sentence))
