"""Each flag by a variable of the environment: FRS_ and the flag's name, as FRS_LOG_LEVEL for --log.level."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping

import click
from click.core import ParameterSource

PREFIX = "FRS_"
WITH_NAME = ("health",)
"""Commands whose variables begin with their names: they run beside the exporter, in the same environment."""
DEPLOYMENT = "FRS_EXPORTER_"
"""How variables begin that are the deployment's: of our systemd unit, and of Kubernetes for a Service frs-exporter."""
SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""What Kubernetes tells each pod of each Service (its page on Services, "Environment variables")."""
NEAR = 0.85


def name_variables(name: str, command: click.Command) -> None:
    """Let each flag of a command be set by its variable, too; flags win."""
    for option in command.params:
        if isinstance(option, click.Option):
            option.envvar = variable(name, option)
            option.show_envvar = True


def variable(name: str, option: click.Option) -> str:
    """The variable for a flag of the command of that name."""
    flag = next(flag for flag in option.opts if flag.startswith("--"))
    inner = f"{name}_" if name in WITH_NAME else ""
    return f"{PREFIX}{inner}{re.sub('[.-]', '_', flag[2:])}".upper()


def variables(command: click.Command) -> set[str]:
    """The variables of all flags of a command."""
    options = (option.envvar for option in command.params if isinstance(option, click.Option))
    return {envvar for envvar in options if isinstance(envvar, str)}


def misspelled(
    known: Collection[str], environ: Mapping[str, str], others: Callable[[], Collection[str]]
) -> Iterator[str]:
    """A notice for each variable that is near to one that is known, and is none of the `others`, which cost time."""
    for name in sorted(environ):
        if name in known or not name.upper().startswith(PREFIX) or name.upper().startswith(DEPLOYMENT):
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=NEAR)
        if near and not SERVICE_LINK.fullmatch(name) and name not in others():
            yield f"{name} in the environment sets nothing; did you mean {near[0]}?"


def is_variable(ctx: click.Context, option: click.Parameter) -> bool:
    """Whether an option is set by its variable."""
    return bool(option.name) and ctx.get_parameter_source(str(option.name)) is ParameterSource.ENVIRONMENT


def setting(flag: str) -> str:
    """What to call a flag of the command under way: its variable where that has set it."""
    ctx = click.get_current_context(silent=True)
    for option in ctx.command.params if ctx else ():
        if ctx and flag in option.opts and is_variable(ctx, option):
            return str(option.envvar)
    return flag


def is_flag_given(name: str) -> bool:
    """Whether the option of that name stands on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def message_of(error: click.UsageError) -> str:
    """What is wrong, and with which variable or flag: the one that has set the value."""
    if isinstance(error, click.BadParameter) and error.ctx and error.param and error.param_hint is None:
        by_variable = is_variable(error.ctx, error.param)
        error.param_hint = (
            str(error.param.envvar) if by_variable else click.Parameter.get_error_hint(error.param, error.ctx)
        )
    return plain(error.format_message())


def plain(message: str) -> str:
    """A message of click's, with what to write instead where it lists more than helps."""
    if extra := re.match(r"Got unexpected extra arguments? \((.*)\)", message):
        files = extra[1].endswith((".yaml", ".yml"))
        return message + "; write --config.file before each file, or name their folder once" * files
    message = re.sub(r"(is not a valid boolean)\. Recognized values: .*", r"\1: use true or false", message)
    return re.sub(r"is not a valid integer( range)?\b", "is not a whole number", message).rstrip(".")
