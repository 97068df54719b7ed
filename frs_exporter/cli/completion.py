"""`completion`: scripts with which shells complete commands, flags and their values."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_FRS_EXPORTER_COMPLETE"


@click.command(
    epilog="""\b
Put it where your shell looks:
  bash   frs-exporter completion bash > ~/.local/share/bash-completion/completions/frs-exporter
  zsh    frs-exporter completion zsh > "${fpath[1]}/_frs-exporter"
  fish   frs-exporter completion fish > ~/.config/fish/completions/frs-exporter.fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    complete = get_completion_class(shell)
    assert complete
    root = ctx.find_root().command
    click.echo(complete(root, {}, "frs-exporter", VARIABLE).source(), nl=False)
