"""What exit codes say, beside 0 for all well."""

import click

NOT_WELL = 1
"""What was asked about is not well, or not there."""
TOOL_FAILED = 3
"""The program itself has failed, say as its output cannot be written: nothing is known of what was asked about."""


class ToolFailed(click.ClickException):
    """The program itself has failed, for a reason that is one line."""

    exit_code = TOOL_FAILED
