"""What a prompt has to do with what is said, and what is said about a clip."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_footage import cue, footage
from reka_clips.engine.media.select.planning import SelectionOptions, choose, is_prompt_matched, make_plans
from reka_clips.engine.media.text.relevance import Matches, query_terms, relevance, terms
from reka_clips.engine.media.text.titles import Vocabulary, clock, shorten, source_name, word_clip

PASSAGES = [
    "The harbour fills with small boats.",
    "A volcano throws lava into the sea.",
    "We talk about the lava of the volcano, and again about lava.",
    "Bread needs flour and water.",
]


def test_the_passage_with_the_rarer_words_of_the_prompt_matches_best() -> None:
    found = relevance("Show me the lava from the volcano!", PASSAGES)
    assert max(found) == 1
    assert found[0] == found[3] == 0
    assert min(found[1], found[2]) > 0.5


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    passages = ["goal", "goal", "goal", "goal penalty", "penalty corner"]
    found = relevance("corner or goal", passages)
    assert found[4] == 1
    assert found[0] < 0.5


@pytest.mark.parametrize(
    "prompt", ["", "Create an engaging short video highlighting the best moments", "best clips please", "!!!"]
)
def test_a_prompt_that_only_asks_for_good_clips_looks_for_nothing(prompt: str) -> None:
    assert query_terms(prompt) == []
    assert relevance(prompt, PASSAGES) == [0.0] * 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("goals", "goal"),
        ("Running", "run"),
        ("stories", "story"),
        ("CAFÉS", "cafe"),
        ("stopped", "stop"),
        ("prices", "price"),
        ("passes", "pass"),
    ],
)
def test_forms_of_a_word_are_the_same(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_text_without_spaces_is_matched_by_pairs_of_characters() -> None:
    assert relevance("火山", ["港には船が多い。", "夜に火山が噴火した。"]) == [0.0, 1.0]


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=8))
def test_relevance_is_between_0_and_1_for_any_text(prompt: str, passages: list[str]) -> None:
    found = relevance(prompt, passages)
    assert len(found) == len(passages)
    assert all(0 <= value <= 1 for value in found)
    assert not any(found) or max(found) == 1


def wording(*spoken: str, prompt: str = "", tags: dict[str, str] | None = None, chapter: str = ""):
    cues = [cue(index * 4, index * 4 + 3, text) for index, text in enumerate(spoken)]
    everything = [*cues, *(cue(100 + index * 4, 103 + index * 4, text) for index, text in enumerate(PASSAGES))]
    return word_clip(
        cues,
        vocabulary=Vocabulary(everything),
        prompt=prompt,
        tags=tags or {},
        chapter=chapter,
        name="harbour tour",
        times="1:05\u20131:35",
    )


def test_a_title_is_a_sentence_that_was_said() -> None:
    found = wording("Well, yes.", "Nobody expected the lighthouse to fall.", "So there.")
    assert found.title == "Nobody expected the lighthouse to fall"
    assert found.caption.startswith("Nobody expected the lighthouse to fall. So there.")


def test_the_sentence_that_matches_the_prompt_becomes_the_title() -> None:
    spoken = ("The unexpected magnificent cathedral gleamed yesterday.", "Lava reached the village at night.")
    assert wording(*spoken, prompt="lava in the village").title == "Lava reached the village at night"


def test_every_word_of_title_caption_and_hashtags_was_said() -> None:
    spoken = ("Our lighthouse keeper sings to the gulls every morning.", "They answer, he says, in their own way.")
    found = wording(*spoken)
    said = set(terms(" ".join(spoken)))
    assert set(terms(found.title)) <= said
    assert set(terms(found.caption)) <= said
    assert {term for tag in found.hashtags for term in terms(tag)} <= said


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("And then, on a Tuesday, the system failed.", "On a Tuesday, the system failed"),
        ("But no one had ever done it.", "No one had ever done it"),
        ("So, what do I want you to know?", "What do I want you to know?"),
        ("So far nobody has done it.", "So far nobody has done it"),
        ("Now is the time to begin.", "Now is the time to begin"),
        ("Andrew rang the harbour bell.", "Andrew rang the harbour bell"),
    ],
)
def test_a_title_begins_without_what_ties_it_to_the_sentence_before(said: str, title: str) -> None:
    assert wording(said).title == title


def test_a_caption_holds_whole_sentences_and_some_before_where_few_follow() -> None:
    before, last = "We counted the boats in the morning.", "Nobody expected the lighthouse to fall."
    assert wording(before, last).caption == f"{before} {last}"
    many = [f"The lighthouse number {number} stood for a hundred years." for number in range(10)]
    caption = wording(*many).caption
    assert caption.endswith("years.")
    assert 150 < len(caption) <= 220


def test_hashtags_are_names_and_what_is_said_often_or_asked_for() -> None:
    spoken = ("In March we showed the Webb mirror to NASA.", "A mirror so large had never been heard of.")
    assert wording(*spoken).hashtags == ("mirror", "webb", "nasa")
    assert wording(*spoken, prompt="how large is it").hashtags == ("mirror", "webb", "nasa", "large")
    assert wording("WE SHOWED THE MIRROR TO NASA.").hashtags == ()


def test_without_words_the_file_itself_is_named_and_nothing_is_made_up() -> None:
    found = wording()
    assert found.title == "harbour tour (1:05\u20131:35)"
    assert found.caption == "harbour tour, 1:05\u20131:35"
    assert found.hashtags == ()


def test_without_words_the_files_own_metadata_is_used() -> None:
    tags = {
        "title": "A day at\x07 sea",
        "description": "Filmed  in May.",
        "keywords": "Sea, boats; fishing",
        "genre": "Travel",
    }
    found = wording(tags=tags)
    assert found.title == "A day at sea (1:05\u20131:35)"
    assert found.caption == "Filmed in May."
    assert found.hashtags == ("sea", "boats", "fishing", "travel")
    assert wording(tags=tags, chapter="The storm").title == "The storm (1:05\u20131:35)"


@given(
    st.lists(st.text(max_size=300), max_size=5),
    st.text(max_size=40),
    st.dictionaries(st.sampled_from(["title", "description", "keywords"]), st.text(max_size=400)),
)
def test_wording_is_bounded_and_printable_for_any_text(spoken: list[str], prompt: str, tags: dict[str, str]) -> None:
    found = wording(*spoken, prompt=prompt, tags=tags)
    assert len(found.title) <= 90
    assert len(found.caption) <= 220
    assert len(found.hashtags) <= 5
    assert all(text.isprintable() for text in (found.title, found.caption, *found.hashtags))
    assert all(tag and " " not in tag and "#" not in tag for tag in found.hashtags)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/films/My_first%20talk.mp4?x=1", "My first talk"),
        ("https://example.com/", "given"),
        ("file:///a/%E7%81%AB.webm", "火"),
    ],
)
def test_a_source_is_called_by_its_file(url: str, name: str) -> None:
    assert source_name(url, "given.mp4") == name


def test_times_and_cut_texts_read_as_people_write_them() -> None:
    assert [clock(value) for value in (5, 65, 3729)] == ["0:05", "1:05", "1:02:09"]  # type: ignore[arg-type]
    assert shorten("a long sentence, cut here", 18) == "a long sentence…"
    assert shorten("short", 18) == "short"


def test_the_clips_of_one_source_have_different_titles() -> None:
    item = footage(300)
    titles = [
        plan.title for plan in make_plans(choose([item], SelectionOptions(count=3)), [item], SelectionOptions(count=3))
    ]
    assert len(set(titles)) == 3


def test_a_reel_of_several_films_without_words_names_each_with_its_own_times() -> None:
    films = [footage(40, url="file:///films/harbour.mp4"), footage(40, tags={"title": "The lighthouse"})]
    wish = SelectionOptions("compilation", count=1, shortest=40, longest=60)
    (reel,) = choose(films, wish)
    (plan,) = make_plans([reel], films, wish)
    times = ["; ".join(", ".join(clock(w.start) for w in reel if w.source == source) for source in (0, 1))]
    assert [plan.title] == [f"harbour and The lighthouse ({times[0]})"]


def test_whether_a_prompt_matches_at_all_is_known() -> None:
    item = footage(20, cues=[cue(1, 3, "The volcano woke.")])
    assert is_prompt_matched([item], SelectionOptions(prompt="volcanoes, please"))
    assert not is_prompt_matched([item], SelectionOptions(prompt="the penalty"))
    assert is_prompt_matched([item], SelectionOptions(prompt="best moments"))


def test_a_long_prompt_costs_no_more_than_a_short_one() -> None:
    words = [f"word{number}" for number in range(3000)]
    passages = [" ".join(words[(number * 7 + part) % 3000] for part in range(8)) for number in range(20_000)]
    began = time.process_time()
    matches = Matches(" ".join(words[:400]), passages)
    together = matches.together(range(max(0, at - 5), min(20_000, at + 6)) for at in range(20_000))
    assert time.process_time() - began < 5
    assert (max(matches.alone()), max(together)) == (1.0, 1.0)


def test_passages_match_together_as_they_would_as_one() -> None:
    groups = [range(2), range(3), range(1, 4), range(2, 4)]
    joined = [" ".join(PASSAGES[at] for at in group) for group in groups]
    assert Matches("volcano harbour", PASSAGES).together(groups) == pytest.approx(relevance("volcano harbour", joined))
