"""`config-schema`: the JSON Schema of the config file."""

import json

import click

from frs_exporter.config.schema import File


@click.command()
def config_schema() -> None:
    """Print the JSON Schema of the config file, for editors."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **File.model_json_schema()}
    click.echo(json.dumps(schema, indent=2))
