"""`config-example`: a config that explains every setting, to begin with."""

from importlib import resources

import click

from frs_exporter import config
from frs_exporter.cli.common_flags import language_flag
from frs_exporter.status.i18n import Translator


@click.command(
    epilog="""\b
Examples:
  frs-exporter config-example > config.yaml
  frs-exporter config-example --lang=zh > config.yaml
"""
)
@language_flag
def config_example(words: Translator) -> None:
    """Print a config file that explains every setting, to edit."""
    example = resources.files(config) / f"example.{words.language.name}.yaml"
    click.echo(example.read_bytes(), nl=False)  # UTF-8, as what reads it expects, whatever the locale
