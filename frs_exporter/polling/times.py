"""The times that an exporter keeps to, beside those of its config."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """All in seconds."""

    settle: float = 1.0
    """Between seeing that a file has changed and reading it."""
    longest_load: float = 60.0
    """For reading the config: more means that a file system does not answer."""
    longest_reread: float = 30.0
    """For which a refused secret waits for what its files may have become."""
    beat: float = 1.0
    """Between two beats of the heart."""
    longest_pause: float = 15.0
    """Without a beat after which the loop is said not to turn."""
    longest_search: float = 60.0
    """For which a first look for projects keeps the exporter from being ready."""


USUAL = Times()
