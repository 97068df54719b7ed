"""What an answer left open: in both languages, of a project or a region, one object for all that say the same."""

from frs_exporter.collectors.other_sources import BILLED, WHY_USELESS
from frs_exporter.collectors.subscription import ABSENT_PROBED, NOT_SENT_YET, USELESS
from frs_exporter.core.explanations import Text
from frs_exporter.core.model import CollectResult, JobState
from frs_exporter.core.notes import note

SIMPLE = Text("{name}: {number} of {why}", "{name}：{why}中的 {number} 个")


def test_a_note_is_filled_in_in_both_languages() -> None:
    made = note(SIMPLE, name="{x}", number=3, why=Text("them", "它们"))
    assert made.text == Text("{x}: 3 of them", "{x}：它们中的 3 个")
    assert (made.about, made.region) == ("{x}", "")


def test_names_stand_as_each_language_lists_them() -> None:
    made = note(ABSENT_PROBED, region="cn-north-4", names=("compare", "live_detect"))
    assert (
        made.text.en == "cn-north-4: subscribe is absent, face sets tell of search, and probes of compare, live_detect"
    )
    assert made.text.zh.startswith("cn-north-4：没有 subscribe 接口")
    assert made.text.zh.endswith("compare、live_detect")
    assert made.about == made.text.en.removeprefix("cn-north-4: ")


def test_what_changes_after_the_colon_is_about_the_same() -> None:
    some, others = (note(NOT_SENT_YET, region="cn-north-4", names=names) for names in (("a",), ("b",)))
    assert some != others
    assert some.about == others.about == "probes not sent yet, a credential sends one at a time"
    assert note(USELESS, name="a", why="b").about == "probes of a are not sent"


def test_notes_that_many_jobs_have_alike_are_one_object() -> None:
    states = [
        JobState().succeeded(1.0, 0.1, CollectResult(warnings=(note(USELESS, region="r", name="a", why=name),)), 60.0)
        for name in ("".join(["because ", "of it"]) for _ in range(3))
    ]
    assert len({id(state.warnings) for state in states}) == 1


def test_what_is_remembered_of_a_useless_probe_is_in_english_alone() -> None:
    """It outlives the process: what an older exporter has written says the same to this one."""
    assert {why: text.en for why, text in WHY_USELESS.items()} == {why: why for why in WHY_USELESS}
    assert BILLED == "it succeeds, and may be billed"
