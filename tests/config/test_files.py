"""A config of several files: what joins, what is given twice, which files there are, when they are read again."""

import os
from pathlib import Path

import pytest
import trustme

from frs_exporter.config.files import MAX_FILES
from frs_exporter.config.load import MAX_CONFIG, Config, load
from frs_exporter.config.source import Source
from frs_exporter.config.yaml import MAX_NODES, Document, read
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Api
from tests.starving import no_descriptors

CREDENTIALS = """credentials:
  keys: {ak_sk: {access_key: AK, secret_key: sk}}
"""
PROJECTS = """projects:
  - name: NAME
    project_id: d3f8e6476fbf416689f209e168ef4dNN
    region: cn-north-4
    credential: keys
"""


def project(name: str, number: int) -> str:
    return PROJECTS.replace("NAME", name).replace("NN", f"{number:02}")


def write(folder: Path, **texts: str) -> str:
    """A folder with a file of each name, which ends in `.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return str(folder)


def problems_of(*paths: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(paths)
    return list(caught.value.problems)


def names(config: Config) -> list[str]:
    return [target.project for target in config.targets]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with three good files."""
    write(tmp_path / "conf.d", a=CREDENTIALS, b=project("one", 1), c=project("two", 2) + "limits: {frs: {rate: 2}}\n")
    return tmp_path / "conf.d"


def test_a_folder_stands_for_its_files_in_the_order_of_their_names(folder: Path) -> None:
    (folder / "0.yml").write_text(project("first", 3))
    (folder / ".hidden.yaml").write_text("{")
    (folder / "notes.txt").write_text("{")
    (folder / "c.yaml~").write_text("{")
    config = load(str(folder))
    assert names(config) == ["first", "one", "two"]
    assert config.limits[Api.FRS].rate == 2
    assert config.targets[0].credential.name == "keys"


def test_of_a_file_that_is_probably_meant_and_not_read_it_is_told(folder: Path) -> None:
    for name in ("c.yaml.bak", "d.yaml~", ".e.YAML", "f.txt", "yaml", "g.json"):
        (folder / name).write_text("{")
    assert load(str(folder)).notices == ()
    for name in ("team.YAML", "x.Yml", "z.yaml.txt"):
        (folder / name).write_text("{")
    (notice,) = load(str(folder)).notices
    assert notice.text == (
        f"{folder}/team.YAML is not read, as its name does not end in .yaml or .yml; rename it (and 2 more)"
    )
    nothing = folder / "nothing"
    nothing.mkdir()
    no_file = f"{nothing}: there is no file in this folder whose name ends in .yaml or .yml"
    assert problems_of(str(nothing)) == [no_file]
    (nothing / "team.YML").write_text("{")
    assert problems_of(str(nothing)) == [f"{no_file}; rename team.YML"]


def test_files_are_joined_in_the_order_in_which_they_are_given(folder: Path) -> None:
    files = [str(folder / name) for name in ("c.yaml", "b.yaml", "a.yaml")]
    assert names(load(files)) == ["two", "one"]
    assert load([files[1], str(write(folder / "more", x=CREDENTIALS))]).jobs == load([files[1], files[2]]).jobs


def test_it_is_the_same_as_one_file_with_all_of_it(folder: Path, tmp_path: Path) -> None:
    first, second = project("one", 1), project("two", 2).removeprefix("projects:\n")
    (tmp_path / "c.yaml").write_text(f"{CREDENTIALS}{first}{second}limits: {{frs: {{rate: 2}}}}\n")
    assert load(str(tmp_path / "c.yaml")) == load(str(folder))


def test_sections_are_joined_key_by_key(tmp_path: Path) -> None:
    rule = "discovery:\n  - {credential: CREDENTIAL, name_template: '{credential}/{project_name}'}\n"
    folder = write(
        tmp_path / "d",
        a=CREDENTIALS
        + "defaults: {poll_interval: 2m}\nlimits: {frs: {rate: 1}}\nhttp_client: {no_proxy: example.com}\n"
        "pricing: {frs-detect: [{cny: 1}]}\n" + rule.replace("CREDENTIAL", "keys"),
        b="credentials:\n  more: {ak_sk: {access_key: BK, secret_key: sk}}\ndefaults: {poll_timeout: 3s}\n"
        "limits: {iam: {rate: 3}}\nhttp_client: {proxy_url: http://proxy.example}\npricing: {.*: [{cny: 2}]}\n"
        + rule.replace("CREDENTIAL", "more"),
    )
    config = load(folder)
    assert [discovery.name for discovery in config.discovery] == ["keys", "more"]
    assert [(rule.template.poll_interval, rule.template.poll_timeout) for rule in config.discovery] == [(120, 3)] * 2
    assert (config.limits[Api.FRS].rate, config.limits[Api.IAM].rate) == (1, 3)
    template = config.discovery[0].template
    assert (template.http.no_proxy, bool(template.http.proxies)) == ("example.com", True)
    assert [price.tiers[0].cny for price in template.pricing] == [1, 2]


def test_what_is_given_twice_is_told_with_both_places(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "d",
        a=CREDENTIALS + "defaults: {poll_interval: 1m}\nlimits: {frs: {rate: 1}}\n" + project("one", 1),
        b="credentials:\n  keys: {ecs_agency: {}}\ndefaults:\n  poll_interval: 1m\nlimits:\n  frs: {concurrency: 1}\n"
        + project("two", 2)
        + project("one", 3).removeprefix("projects:\n")
        + project("three", 1).removeprefix("projects:\n"),
    )
    twice = "this key was given before, in"
    assert problems_of(folder) == [
        f"{folder}/b.yaml:2:3: credentials.keys: {twice} {folder}/a.yaml:2",
        f"{folder}/b.yaml:4:3: defaults.poll_interval: {twice} {folder}/a.yaml:3",
        f"{folder}/b.yaml:6:3: limits.frs: {twice} {folder}/a.yaml:4",
        f"{folder}/b.yaml:12:11: projects[1].name: the same name as projects[0] in {folder}/a.yaml:6;"
        " each needs one of its own",
        f"{folder}/b.yaml:17:17: projects[2].project_id: the same region, project_id and user as projects[0] in"
        f" {folder}/a.yaml:6; a user's project is watched once",
    ]


def test_a_section_of_the_wrong_type_is_told_as_of_one_file(folder: Path) -> None:
    """Wherever it stands: before the good ones or after them, with others that are wrong, too, or alone."""
    for name in ("0", "d"):
        write(folder, **{name: "projects: {a: 1}\nlimits: 3\ndefaults: poll_interval\n"})
    told = [
        ":1:11: projects: must be a list, but is a mapping",
        ":2:9: limits: must be a mapping, but is a number",
        ":3:11: defaults: must be a mapping, but is text; did you mean {poll_interval: {}}?",
    ]
    one = f"{folder}/0.yaml"
    assert set(problems_of(str(folder))) == {f"{folder}/{name}.yaml{line}" for name in ("0", "d") for line in told}
    assert set(problems_of(one)) == {f"{one}:1:1: credentials: required, but missing", *(one + line for line in told)}
    for name in ("b", "c"):
        (folder / f"{name}.yaml").unlink()
    assert len(problems_of(str(folder))) == 6, "and not that there is nothing to watch"


def test_each_problem_tells_its_own_file_and_what_stands_in_it(folder: Path) -> None:
    wrong = PROJECTS.replace("NAME", "three").replace("NN", "03").replace("cn-north-4", "CN North")
    write(
        folder, d=project("four", 4) + wrong.removeprefix("projects:\n") + "http_client: {proxy_url: 5}\n", e="x: 1\n"
    )
    assert problems_of(str(folder)) == [
        f"{folder}/d.yaml:8:13: projects[1].region: must be a region like cn-north-4; did you mean cn-north-4?",
        f"{folder}/d.yaml:10:26: http_client.proxy_url: must be text, but YAML reads it as a number: put it in quotes",
        f"{folder}/e.yaml:1:1: x: unknown key; known here: accounts, credentials, defaults, discovery, endpoints,"
        " http_client, limits, pricing, projects",
    ]


def test_what_is_missing_from_all_files_is_missing_from_the_whole(folder: Path) -> None:
    (folder / "a.yaml").write_text("limits:\n")
    assert problems_of(str(folder)) == [f"{folder}: credentials: required, but missing"]
    files = [str(folder / "a.yaml"), write(folder / "more", x=CREDENTIALS)]
    remedy = "list some under projects or accounts, or let discovery find them"
    assert problems_of(*files) == [f"{', '.join(files)}: there is nothing to watch: {remedy}"]


def test_files_without_anything_in_them_are_good_where_others_have_something(folder: Path) -> None:
    write(folder, d="# nothing but this\n", f="projects:\ndefaults:\n", g="---\n")
    assert names(load(str(folder))) == ["one", "two"]
    empty = write(folder / "empty", a="# nothing\n", b="#\n")
    assert problems_of(empty) == [f"{empty}: the files are empty; frs-exporter config-example shows what goes in"]
    (folder / "empty/b.yaml").unlink()
    one = f"{empty}/a.yaml:1:1: the file is empty; frs-exporter config-example shows what goes in"
    assert problems_of(empty) == [one]


@pytest.mark.parametrize("nothing", ["", "\n", " \t\n\r\n", "\N{BYTE ORDER MARK}"])
def test_one_of_several_files_that_is_wholly_empty_is_an_error(folder: Path, nothing: str) -> None:
    """It has lost what was in it: its projects would be gone, and nobody would be told."""
    source = Source(str(folder), load)
    source.load()
    for name in ("b", "c"):
        write(folder, **{name: nothing})
    assert source.changed()
    told = "the file is empty; remove it, or write a comment in it if that is meant"
    lines = [f"{folder}/{name}.yaml:1:1: {told}" for name in ("b", "c")]
    with pytest.raises(ConfigError) as caught:
        source.load()
    assert list(caught.value.problems) == lines
    assert problems_of(*(f"{folder}/{name}.yaml" for name in "abc")) == lines
    write(folder, b=project("one", 1), c="# for later\n")
    assert source.changed()
    assert names(source.load()) == ["one"]


def test_files_that_are_no_yaml_no_mapping_or_unreadable_are_told_in_one_go(folder: Path) -> None:
    write(folder, a="- 1\n", b="projects: [\n", c="projects: {\n")
    (folder / "gone.yaml").symlink_to("nowhere")
    first, second, third, last = problems_of(str(folder))
    assert first == f"{folder}/a.yaml:1:1: must be a mapping, as every file of a config is"
    assert second.startswith(f"{folder}/b.yaml:2:1: not YAML: ")
    assert third.startswith(f"{folder}/c.yaml:2:1: not YAML: ")
    assert last == f"{folder}/gone.yaml: cannot read the config file: No such file or directory"


@pytest.mark.parametrize("broken", ["credentials: [\n", "- 1\n", "", None])
def test_mistakes_are_told_beside_a_file_that_says_nothing_but_not_what_it_may_say(
    folder: Path, broken: str | None
) -> None:
    """Its credentials are missing from the whole, and the names of all others are unknown: that is no mistake."""
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to("nowhere") if broken is None else write(folder, a=broken)
    assert len(problems_of(str(folder))) == 1
    write(folder, d="limitz: 3\nlimits: 3\nprojects: [{name: x}]\n")
    _, *told = problems_of(str(folder))
    assert told == [
        f"{folder}/d.yaml:1:1: limitz: unknown key; did you mean limits?",
        f"{folder}/d.yaml:2:9: limits: must be a mapping, but is a number",
        *(
            f"{folder}/d.yaml:3:12: projects[0].{key}: required, but missing"
            for key in ("credential", "project_id", "region")
        ),
    ]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("x: *far", "found undefined alias; an anchor (&) must stand before it, and in the same file"),
        ("x: 1\n---\ny: 1", "but found another document; one file is one document"),
        *(
            (f"x: {text}", 'mapping values are not allowed in this context; put text that has ": " in it, or ends')
            for text in ("S3: cret", "S3cret:", "a\n  y: 1")
        ),
        (
            "x: {y: S3: cret}",
            "did not find expected ',' or '}'; put text that has \": \", a comma, a bracket or a quote",
        ),
        ("x: {y: S3cret:}", "found unexpected ':'; put text that has a colon in it in quotes"),
        ("x: 'S3'cret'", "did not find expected key; keys of one section stand exactly below each other; what comes"),
        ("x: ]S3cret", "did not find expected node content; put text that begins with a bracket"),
        ("x: >S3cret", "did not find expected comment or line break; put text that begins with | or > in quotes"),
        ("x: *", "did not find expected alphabetic or numeric character; put text that begins with * or & in quotes"),
        ("x: - S3cret", "block sequence entries are not allowed in this context; begin a list in a new line"),
        ("x: ? S3cret", "mapping keys are not allowed in this context; put text that begins with ? in quotes"),
        ("x: !a!b", "found undefined tag handle; put text that begins with ! in quotes"),
        ('x: "S3\\qcret"', "found unknown escape character; write a backslash between double quotes twice"),
        ('x: "S3\\x4"', "did not find expected hexdecimal number; write a backslash between double quotes twice"),
        ('x: "S3cret', "found unexpected end of stream; the quote that was opened is never closed"),
        ("x: 1\ny\nz: 1", "could not find expected ':'; a line of a section is a key"),
        ("x:\n  - y: 1\n   z: 2", "did not find expected '-' indicator; each entry of a list has a dash"),
        ("x: %S3cret", "found character that cannot start any token; indent with blanks, not tabs; quote text with %"),
        ("x:\n\ty: 1", "found character that cannot start any token; indent with blanks, not tabs"),
    ],
)
def test_of_what_often_is_no_yaml_it_is_told_what_to_do(folder: Path, text: str, remedy: str) -> None:
    write(folder, f=text)
    problems = problems_of(str(folder))
    assert any(f"not YAML: {remedy}" in problem for problem in problems)
    assert not any("S3" in problem or "cret" in problem for problem in problems), "it may be a secret"


def test_anchors_and_merge_keys_are_those_of_their_file(tmp_path: Path) -> None:
    common = "x-common: &common {region: cn-north-4, credential: keys}\nprojects:\n"
    one, two = (
        f"{common}  - {{<<: *common, name: {name}, project_id: d3f8e6476fbf416689f209e168ef4d3{number}}}\n"
        for number, name in enumerate(("one", "two"))
    )
    folder = write(tmp_path / "d", a=CREDENTIALS, b=one, c=two)
    assert names(load(folder)) == ["one", "two"]
    write(tmp_path / "d", d="projects: [*common]\n")
    assert "undefined alias" in problems_of(folder)[0]


def test_files_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    authority = trustme.CA()
    write(tmp_path / "x")
    (tmp_path / "x/sk").write_text("of x")
    authority.cert_pem.write_to_path(tmp_path / "x/ca.pem")
    first = write(tmp_path / "x", a=CREDENTIALS.replace("secret_key: sk", "secret_key: !file sk"))
    second = write(tmp_path / "y", b=project("one", 1), c="http_client: {tls_config: {server_name: a.example}}\n")
    config = load([f"{first}/a.yaml", second])
    assert isinstance(config.targets[0].credential, KeyCredential)
    assert config.targets[0].credential.secret_key.get_secret_value() == "of x"
    write(tmp_path / "x", a=(tmp_path / "x/a.yaml").read_text() + "http_client: {tls_config: {ca_file: ca.pem}}\n")
    (tmp_path / "y/c.yaml").unlink()
    assert load([f"{first}/a.yaml", second]).targets[0].http.context
    write(tmp_path / "y", c="http_client: {proxy_url: http://proxy.example}\n")
    assert load([f"{first}/a.yaml", second]).targets[0].http.context
    write(tmp_path / "y", c="credentials: {more: {ak_sk: {access_key: A, secret_key: !file sk}}}\n")
    (problem,) = problems_of(f"{first}/a.yaml", second)
    assert problem.startswith(
        f"{second}/c.yaml:1:57: credentials.more.ak_sk.secret_key: cannot read the file sk: No such"
    )


def test_warnings_tell_their_file(folder: Path) -> None:
    write(folder, d=project("odd", 7).replace("cn-north-4", "cn-nowhere-9"))
    (notice,) = (notice.text for notice in load(str(folder)).notices if "nowhere" in notice.text)
    assert notice.startswith(f"projects[0].region in {folder}/d.yaml:4: cn-nowhere-9 is not known to have FRS")


def test_the_same_file_twice_is_an_error(folder: Path, tmp_path: Path) -> None:
    file = str(folder / "a.yaml")
    assert problems_of(file, str(folder)) == [f"{file}: given twice, maybe also by its folder; a file is given once"]
    assert problems_of(file, file) == [f"{file}: given twice, maybe also by its folder; a file is given once"]
    (folder / "link.yaml").symlink_to("a.yaml")
    assert problems_of(str(folder)) == [f"{folder}/link.yaml: the same file as {file}; a file is given once"]


def test_a_folder_without_files_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".a.yaml").write_text(CREDENTIALS)
    assert problems_of(str(tmp_path)) == [
        f"{tmp_path}: there is no file in this folder whose name ends in .yaml or .yml"
    ]


def test_all_files_that_cannot_be_read_are_told(folder: Path) -> None:
    (folder / "gone.yaml").symlink_to("nowhere")
    (folder / "inner.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    assert problems_of(str(folder)) == [
        f"{folder}/gone.yaml: cannot read the config file: No such file or directory",
        f"{folder}/inner.yaml: cannot read the config file: Is a directory",
        f"{folder}/pipe.yaml: cannot read the config file: it is not a regular file",
    ]


def test_sizes_are_bounded_over_all_files(folder: Path) -> None:
    for name in ("d", "e"):
        write(folder, **{name: "#" * (MAX_CONFIG // 2)})
    assert problems_of(str(folder)) == [f"{folder}: all files together are longer than {MAX_CONFIG} bytes"]


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    assert problems_of(str(tmp_path)) == [f"{tmp_path}: too many files: a config may be made of {MAX_FILES}"]


@pytest.mark.uncounted
def test_aliases_that_unfold_are_bounded_over_all_files(tmp_path: Path) -> None:
    """A file that a limit is reached in is told, and none after it."""
    layers = "".join(f"x-{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcd", "bcde", strict=True))
    unfolded = f"x-a: &a [x]\n{layers}"
    after = Document(nodes=MAX_NODES - 30_000)
    assert not read(unfolded, "c.yaml", after=after).problems
    after.nodes += 10_000
    (problem,) = read(unfolded, "c.yaml", after=after).problems
    assert problem.message == "not YAML: nested too deeply or too large"
    bomb = unfolded + "".join(f"x-{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in ("ef", "fg", "gh"))
    folder = write(tmp_path, a=CREDENTIALS, b=project("one", 1), c=bomb, d=unfolded)
    (told,) = problems_of(folder)
    assert told.endswith("not YAML: nested too deeply or too large")
    assert told.startswith(f"{folder}/c.yaml:")


@pytest.fixture
def source(folder: Path) -> Source[Config]:
    loaded = Source(str(folder), load)
    loaded.load()
    assert not loaded.changed()
    return loaded


def test_new_removed_and_changed_files_are_noticed(folder: Path, source: Source[Config]) -> None:
    write(folder, d=project("three", 3))
    assert source.changed()
    assert names(source.load()) == ["one", "two", "three"]
    write(folder, d=project("drei", 3))
    assert source.changed()
    assert names(source.load()) == ["one", "two", "drei"]
    (folder / "b.yaml").unlink()
    assert source.changed()
    assert names(source.load()) == ["two", "drei"]
    assert not source.changed()


def test_what_is_no_config_file_is_not_noticed(folder: Path, source: Source[Config]) -> None:
    for name in (".a.yaml.swp", ".hidden.yaml", "README", "b.yaml.bak"):
        (folder / name).write_text("{")
    assert not source.changed()


def test_a_file_that_is_being_written_is_waited_for(folder: Path, source: Source[Config]) -> None:
    """While it grows the folder looks different each time, which is what is waited for to end."""
    write(folder, d="projects:\n")
    before = source.look()
    write(folder, d=project("three", 3))
    assert source.look() != before
    assert source.look() == source.look()


def test_after_a_failed_load_all_files_of_the_config_in_force_are_watched(folder: Path, source: Source[Config]) -> None:
    write(folder, a="{")
    with pytest.raises(ConfigError):
        source.load()
    assert not source.changed()
    for name in ("b", "c"):
        write(folder, **{name: project(f"new{name}", ord(name) % 10)})
        assert source.changed()
        with pytest.raises(ConfigError):
            source.load()
    write(folder, d="")
    assert source.changed()


def test_what_could_not_be_read_for_want_of_descriptors_is_read_again(folder: Path, source: Source[Config]) -> None:
    write(folder, d=project("three", 3))
    with no_descriptors(0):
        with pytest.raises(ConfigError, match="Too many open files") as caught:
            source.load()
        assert caught.value.temporary
    assert source.changed()
    assert names(source.load()) == ["one", "two", "three"]
    assert not source.changed()


def test_a_folder_that_is_gone_is_told_and_noticed_when_it_is_back(folder: Path, source: Source[Config]) -> None:
    folder.rename(folder.with_name("away"))
    assert source.changed()
    with pytest.raises(ConfigError, match=r"conf\.d: cannot read the config file: No such file"):
        source.load()
    assert not source.changed()
    folder.with_name("away").rename(folder)
    assert source.changed()
    assert names(source.load()) == ["one", "two"]


def mount(folder: Path, version: str, **texts: str) -> None:
    """As the kubelet updates a volume of a ConfigMap: a new folder, and one link that is switched to it."""
    write(folder / f"..{version}", **texts)
    (folder / "..data_tmp").symlink_to(f"..{version}")
    os.replace(folder / "..data_tmp", folder / "..data")
    for name in texts:
        if not (folder / f"{name}.yaml").is_symlink():
            (folder / f"{name}.yaml").symlink_to(f"..data/{name}.yaml")


def test_a_volume_of_kubernetes_is_noticed_when_it_is_switched(tmp_path: Path) -> None:
    mount(tmp_path, "2024_1", a=CREDENTIALS, b=project("one", 1))
    source = Source(str(tmp_path), load)
    assert names(source.load()) == ["one"]
    assert not source.changed()
    mount(tmp_path, "2024_2", a=CREDENTIALS, b=project("two", 1))
    assert source.changed()
    assert names(source.load()) == ["two"]
    mount(tmp_path, "2024_3", a=CREDENTIALS, b=project("two", 1), c=project("three", 3))
    assert source.changed()
    assert names(source.load()) == ["two", "three"]
    assert not source.changed()
