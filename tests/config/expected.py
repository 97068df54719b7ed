"""Bad files say in comments of the form `# line:column: text` which problems they are to be refused with."""

import re
from pathlib import Path


def assert_problems(problems: list[str], file: Path) -> None:
    """All problems of the comments and no other, in any order; `...` stands for words of the YAML parser's."""
    expected = sorted(line[2:] for line in file.read_text().splitlines() if re.match(r"# \d+:\d+: ", line))
    assert len(problems) == len(expected) > 0, problems
    for problem, text in zip(sorted(problems), expected, strict=True):
        assert re.fullmatch(re.escape(text).replace(r"\.\.\.", ".+"), problem), problem
