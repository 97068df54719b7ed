"""A number and the word for what it counts, which has an s for all but one."""


def counted(number: int | str, noun: str) -> str:
    """The number and the noun, `1 project` or `2 projects`; the number may be written already."""
    return f"{number} {noun}{'' if str(number) == '1' else 's'}"
