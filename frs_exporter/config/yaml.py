"""YAML that knows where everything stands: plain data, the place of each part, `!env` and `!file` filled in."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import yaml

from frs_exporter.config.depth import MAX_DEPTH, Loader, check_depth
from frs_exporter.config.yaml_problems import first_place, with_remedy
from frs_exporter.runtime.files import decode_text, is_temporary, read_file, reason_of
from frs_exporter.runtime.offload import drain

MAX_NODES = 1_000_000
MAX_FILE = 1 << 16
"""Bytes of a file with a secret in it."""

STANDARD = "tag:yaml.org,2002:"
CUT_OFF = re.compile(r"[ \t]+#[^\s#]")
TEXT, MAPPING, SEQUENCE = f"{STANDARD}str", f"{STANDARD}map", f"{STANDARD}seq"
resolve: Any = yaml.resolver.Resolver().resolve
MERGE = f"{STANDARD}merge"
EXTENSION = "x-"
"""Sections whose names begin so are for anchors, and nothing else is looked at in them."""
PLAIN = (True, False)
"""What is a scalar without quotes, to `resolve`."""
UNKNOWN_TAG = "unknown tag; there are !env NAME and !file PATH for text; put text that begins with ! in quotes"
"""Never with the tag itself: it may be the beginning of a password."""

Path = tuple[str | int, ...]
"""The way to a part of the document: keys of mappings and indexes of sequences."""

OnRead = Callable[[FilePath], None]
"""Is told of each file before it is read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file, at a line and column, both counted from 1; line 0 is about all files together."""

    file: str
    line: int
    column: int
    path: Path
    message: str


class Origin(NamedTuple):
    """Where a part of a document comes from: its file, and how many entries of its list stand in files before."""

    file: str
    before: int = 0


@dataclass(slots=True)
class Document:
    """The data of a file, and for each path its place and, for scalars, the text as written."""

    file: str = ""
    """As problems name it; for a document made of several files what was given to name them."""
    data: Any = None
    nodes: int = 0
    """Parts that were read, with those of the files before."""
    origins: dict[Path, Origin] = field(default_factory=dict)
    """For a document made of several files: where its sections, and what stands right in them, come from."""
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: dict[Path, FilePath] = field(default_factory=dict)
    """What stands in a file of its own, by `!file`."""
    key_files: dict[Path, FilePath] = field(default_factory=dict)
    """Where private keys are."""
    cut_off: set[Path] = field(default_factory=set)
    """Where a text without quotes ends in front of a ` #` that is no usual comment: no blank comes after it."""
    incomplete: bool = False
    """Whether some of its files say nothing, as they are no YAML or cannot be read: what is missing may be there."""
    temporary: bool = False
    """Whether a file that it names could not be read, but may be a moment later."""

    def problem(self, path: Path, message: str, *, at_key: bool = False, shown_path: Path | None = None) -> None:
        """Note a problem at `path`, or at the nearest part around it that stands in the file, and tell `shown_path`."""
        file, place = self.place(path, at_key=at_key)
        self.problems.append(Problem(file, *place, path if shown_path is None else shown_path, message))

    def place(self, path: Path, *, at_key: bool = False) -> tuple[str, tuple[int, int]]:
        """The file, and the line and column in it, of a part or of its key, or of the nearest part around it."""
        if at_key and path in self.keys:
            return self.origin(path).file, self.keys[path]
        while path and path not in self.marks:
            path = path[:-1]
        return self.origin(path).file, self.marks.get(path, (0, 0) if self.origins else (1, 1))

    def note(self, place: tuple[int, int], path: Path, message: str) -> None:
        """Note a problem at a place of this file."""
        self.problems.append(Problem(self.file, *place, path, message))

    def origin(self, path: Path) -> Origin:
        """Where what stands at a path comes from."""
        whole = Origin(self.file)
        return self.origins.get(path[:2]) or self.origins.get(path[:1], whole) if path else whole

    def path_in_file(self, path: Path) -> Path:
        """A path as it is in its own file, where each list begins anew."""
        before = self.origin(path).before
        return (path[0], int(path[1]) - before, *path[2:]) if before else path

    def folder(self, path: Path) -> FilePath:
        """What names of files at a path are relative to."""
        return FilePath(self.origin(path).file).parent

    def unreadable(self, path: Path, message: str, error: Exception) -> None:
        """Note that a file cannot be read, and why."""
        self.temporary |= is_temporary(error)
        self.problem(path, f"{message}: {reason_of(error)}")


def unwatched(_: FilePath) -> None:
    """For whom it is the same which files are read."""


def read(
    text: str,
    file: str,
    environment: Mapping[str, str] = os.environ,
    on_read: OnRead = unwatched,
    after: Document | None = None,
) -> Document:
    """Read a document; `!file` is relative to its own file. What is wrong is noted in `problems`, never raised.

    It may come `after` others that it will be joined with: indexes in its lists go on from theirs.
    """
    document = Document(file, nodes=after.nodes if after else 0)
    try:
        check_depth(text)
        root = yaml.compose(text, Loader=Loader)
        if root is not None:
            Reader(document, environment, on_read, lengths(after)).read_root(root, text)
            for node in flat(root):
                drain(node.value)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        place = (at.line + 1, at.column + 1) if at else (1, 1)
        begun = error.context_mark
        since = f" ({error.context} in line {begun.line + 1})" if begun and begun.line + 1 < place[0] else ""
        document.note(place, (), f"not YAML: {with_remedy(error.problem or error.context)}{since}")
    except yaml.reader.ReaderError as error:
        document.note(first_place(text, chr(error.character)), (), f"not YAML: {error.reason}")
    return document


class Reader:
    """Walks the nodes of one document."""

    def __init__(
        self, document: Document, environment: Mapping[str, str], on_read: OnRead, lengths: Mapping[Path, int]
    ) -> None:
        self._document = document
        self._on_read = on_read
        self._folder = document.folder(())
        self._environment = environment
        self._lengths = lengths
        self._constructor = yaml.constructor.SafeConstructor()
        self._text = ""

    def read_root(self, root: yaml.Node, text: str) -> None:
        """Fill in the document's data; `text` is what the root was made of."""
        self._text = text
        self._document.data = self._value(root, ())

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._document.marks[path] = place(node)
        self._count(node, len(path))  # aliases can make a small file endless
        if not has_usual_type(node):
            self._note(node, path, UNKNOWN_TAG)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            first = self._lengths.get(path, 0)
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value, first)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                continue
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._note(key_node, path, "keys must be plain text")
            elif key in mapping:
                first = self._document.keys[(*path, key)][0]
                # What has no value may be part of one, after a comma that should have been quoted.
                blamed = path if is_nothing(value_node) else (*path, key)
                self._note(key_node, blamed, f"this key was given before, in line {first}")
            else:
                self._document.keys[(*path, key)] = place(key_node)
                mapping[key] = self._value(value_node, (*path, key))
        for key_node, value_node in self._merged(node, path):
            if key_node.value not in mapping:
                self._document.keys[(*path, key_node.value)] = place(key_node)
                mapping[key_node.value] = self._value(value_node, (*path, key_node.value))
        return mapping

    def _merged(self, node: yaml.MappingNode, path: Path, depth: int = 0) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """What the merge keys (`<<`) of a mapping bring along, the first of a name counts (yaml.org/type/merge)."""
        for sources in (value_node for key_node, value_node in node.value if key_node.tag == MERGE):
            for source in sources.value if isinstance(sources, yaml.SequenceNode) else [sources]:
                self._count(source, depth)
                if not isinstance(source, yaml.MappingNode):
                    self._note(source, path, "<< takes an alias of a mapping, or a list of such")
                    continue
                for pair in source.value:
                    self._document.nodes += 1
                    if isinstance(pair[0], yaml.ScalarNode) and pair[0].tag != MERGE:
                        yield pair
                yield from self._merged(source, path, depth + 1)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag in ("!env", "!file"):
            self._document.raw[path] = f"{node.tag} {node.value}"
            read_text = self._from_environment if node.tag == "!env" else self._from_file
            return read_text(node, path)
        self._document.raw[path] = node.value
        if not node.style and CUT_OFF.match(self._text, node.end_mark.index):
            self._document.cut_off.add(path)
        if node.tag == TEXT:
            return node.value
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, KeyError, OverflowError):
            self._note(node, path, "YAML cannot read this value; put it in quotes if it is text")
            return None

    def _from_environment(self, node: yaml.ScalarNode, path: Path) -> str | None:
        value = self._environment.get(node.value)
        if value is None:
            self._note(node, path, f"the environment variable {node.value} is not set")
        return value

    def _from_file(self, node: yaml.ScalarNode, path: Path) -> str | None:
        message = f"cannot read the file {node.value}"
        try:
            file = self._document.files[path] = self._folder / node.value
            self._on_read(file)
            return decode_text(read_file(file, MAX_FILE)).rstrip("\r\n")
        except UnicodeDecodeError:
            self._note(node, path, f"{message}: it is not UTF-8 text")
        except (OSError, ValueError) as error:
            self._document.unreadable(path, message, error)
        return None

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._document.nodes += 1
        if depth > MAX_DEPTH or self._document.nodes > MAX_NODES:
            raise yaml.MarkedYAMLError(problem="nested too deeply or too large", problem_mark=node.start_mark)

    def _note(self, node: yaml.Node, path: Path, message: str) -> None:
        self._document.note(place(node), path, message)


def lengths(document: Document | None) -> dict[Path, int]:
    """How many entries each list has that is a section of a document."""
    sections = mapping(document.data) if document else {}
    return {(name,): len(value) for name, value in sections.items() if isinstance(value, list)}


def flat(root: yaml.Node) -> Iterator[yaml.CollectionNode]:
    """The sections of a document that may be long."""
    if isinstance(root, yaml.MappingNode):
        yield from (node for _, node in root.value if isinstance(node, yaml.CollectionNode))


def has_usual_type(node: yaml.Node) -> bool:
    """Whether a node is of the type that it has without a tag, is text, or is for us to fill in."""
    if isinstance(node, yaml.ScalarNode):
        return node.tag in (TEXT, "!env", "!file") or bool(node.tag == resolve(yaml.ScalarNode, node.value, PLAIN))
    return bool(node.tag == (MAPPING if isinstance(node, yaml.MappingNode) else SEQUENCE))


def is_nothing(node: yaml.Node) -> bool:
    """Whether a node is a value that is not there: `{key}`, or `key:`."""
    return isinstance(node, yaml.ScalarNode) and not node.value and not node.style


def mapping(value: Any) -> dict[str, Any]:
    """A mapping as it is; what is none is the schema's business, and empty here."""
    return value if isinstance(value, dict) else {}


def place(node: yaml.Node) -> tuple[int, int]:
    """Line and column of a node, counted from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1
