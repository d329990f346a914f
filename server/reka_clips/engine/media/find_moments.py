"""Finding the moments of a job's sources: measure them all, choose, and look again at what was chosen."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeVar

from reka_clips.contract.requests import MAX_SEGMENT_SECONDS
from reka_clips.engine.media.analyze import analyze, listening
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.languages import language_tag
from reka_clips.engine.media.select import planning
from reka_clips.engine.media.select.candidates import Candidate
from reka_clips.engine.media.sources import AnalyzedSource, ProbedSource, listen, open_source, read_text, too_short
from reka_clips.engine.media.text.relevance import query_terms
from reka_clips.engine.media.text.speech_model import ModelUnavailableError
from reka_clips.engine.media.text.subtitles import parse_subtitles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from reka_clips.contract import GenerationConfig, RenderingConfig
    from reka_clips.contract.requests import SourceSegment
    from reka_clips.engine.media.analyze.metrics import Tier
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import Cue, Source
    from reka_clips.engine.media.progress import Progress
    from reka_clips.engine.media.select.planning import SelectionOptions, Stretches
    from reka_clips.engine.media.text.speech import Recognizer

_CLOSER_LEEWAY_SECONDS: Final = Fraction(2)
# By tier of the first look, and by whether speech is recognised: the shares of all the work that are done when the
# sources are indexed, and when what was chosen is looked at. On two cores, with films of 1 and 10 minutes, rendering
# began after 0.15 to 0.46 of the time; a small speech model takes an eighth of the time that it listens to.
_ENDS: Final[dict[tuple[str, bool], tuple[float, float]]] = {
    ("full", False): (0.2, 0.25),
    ("keyframes", False): (0.25, 0.4),
    ("full", True): (0.1, 0.7),
    ("keyframes", True): (0.1, 0.6),
}
_SPEECH_FIRST_SECONDS: Final = 20 * 60  # longer sources are listened to only where clips may be
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")  # of any kind: what a model writes is not to be shown as code
_END_SLACK: Final = Fraction(1, 2)  # a film's length is known to a frame or so
_SPARE: Final = 2  # of 108 planted moments, none finds 101, one 102, two 104, five no more

T = TypeVar("T")
R = TypeVar("R")


class MomentFinder:
    """Finds the moments of one generation. warnings: what turned out other than asked, so far.

    tier: how closely to look at first; None chooses by what it costs. rendering: tells which subtitles are wanted.
    speech: hears what is said where there are no subtitles; None: nothing does. detail: gets what is fetched for it.
    """

    def __init__(
        self,
        ffmpeg: Ffmpeg,
        wish: SelectionOptions,
        generation: GenerationConfig | None,
        scratch: Path,
        progress: Progress,
        *,
        tier: Tier | None = None,
        rendering: RenderingConfig | None = None,
        speech: Recognizer | None = None,
        detail: Callable[[str | None], None] = lambda _words: None,
    ) -> None:
        self.warnings: list[str] = []
        self._speech = speech
        self._speech_problem = "Speech recognition is off." if speech is None else speech.problem()
        self._detail = detail
        self._ffmpeg = ffmpeg
        self.wish = wish
        self._given = parse_subtitles(_TAG.sub("", (rendering and rendering.subtitles_srt) or ""))
        self._given_for: str | None = None
        self._generation = generation
        self._scratch = scratch
        self._progress = progress
        self._tier: Tier | None = tier
        self._rendering = rendering
        self._ends = _ENDS["full", False]

    async def gather(self, sources: Sequence[Source]) -> list[AnalyzedSource]:
        """Open, read and measure the sources.

        One that cannot be used is left out with a warning; raises the first one's MediaError when none can.
        """
        # The parts of a reel may be short, as long as all of it is not.
        self._given_for = sources[0].url
        is_pooled = self.wish.template == "compilation" and len(sources) > 1
        shortest = 0 if is_pooled else self.wish.shortest
        opened = await self._each(sources, lambda source: self._open(source, shortest))
        self._ends = _ENDS["keyframes" if self._spare(opened) else "full", self._speech_problem is None]
        indexed_seconds = Fraction(0)

        async def measure(item: ProbedSource) -> AnalyzedSource:
            nonlocal indexed_seconds
            indexed_seconds += item.seconds
            until = self._ends[0] * float(indexed_seconds / _total(opened))
            return await self._measure(item, self._progress.part("indexing", until=until), shortest)

        return await self._each(opened, measure)

    async def choose(self, footage: list[AnalyzedSource]) -> tuple[list[list[Candidate]], list[AnalyzedSource]]:
        """Return the clips, best first, each as its windows, and the footage as it is known by then.

        Where the first look was coarse, the best moments are looked at closely, and chosen from anew. A long source
        is listened to only there as well, unless a prompt makes all its words matter.
        Raises MediaError when no clip fits.
        """
        model = await self._speech_model(footage)
        is_late = self._listens_late(_total(footage))
        unheard = [index for index, item in enumerate(footage) if model is not None and not item.cues]
        if model is not None and unheard and not is_late:
            whole = {index: ((footage[index].measured.start, footage[index].measured.end),) for index in unheard}
            footage = await self._hear(footage, model, whole)
        clips = planning.choose(footage, self.wish, extra=self._spare([item.opened for item in footage]))
        coarse = [index for index, item in enumerate(footage) if not item.measured.is_exact]
        late = unheard if is_late else []
        within = {
            index: planning.stretches_around(clips, index, footage[index].measured, seconds=_CLOSER_LEEWAY_SECONDS)
            for index in sorted({*coarse, *late})
        }
        chosen = clips
        if within:
            footage = await self._look_closer(footage, {index: within[index] for index in coarse})
            if model is not None:
                footage = await self._hear(footage, model, {index: within[index] for index in late})
            chosen = planning.choose(footage, self.wish, within=within)
            if len(chosen) < min(len(clips), planning.expected_count(self.wish, _total(footage))):
                chosen = planning.choose(footage, self.wish)  # the closer look left too little room
        if not chosen:
            raise MediaError(
                "No clip fits into the video as asked: lower min_duration_seconds or raise max_duration_seconds."
            )
        self._note(footage, len(chosen))
        return chosen, footage

    async def _open(self, source: Source, shortest: int) -> ProbedSource:
        opened, warnings = await open_source(self._ffmpeg, source, self._generation, self._scratch, shortest=shortest)
        self.warnings += warnings
        if opened.seconds < shortest:  # up to the end of the video, else it would have been refused
            self.wish = replace(self.wish, shortest=int(opened.seconds))
            only = f"There are only {float(opened.seconds):.1f} s of video to cut from"
            self.warnings.append(f"{only}: min_duration_seconds was lowered to {int(opened.seconds)}.")
        return opened

    async def _measure(self, item: ProbedSource, report: Callable[[float], None], shortest: int) -> AnalyzedSource:
        cues = await self._read(item)
        measured = await analyze.measure(self._ffmpeg, item.look(self._scratch), report=report, tier=self._tier)
        told = listening.choice_told(item.name, item.info, listening.Heard(measured.audio, measured.loudness_db))
        self.warnings += [told] if told else []
        item = replace(item, info=replace(item.info, audio=measured.audio))
        if measured.end - measured.start < min(shortest, self.wish.shortest):
            raise MediaError(too_short(measured.end - measured.start, shortest))
        return AnalyzedSource(item, measured, cues)

    async def _read(self, item: ProbedSource) -> tuple[Cue, ...]:
        """Return the text of a source: the one that came with the request, if it is for this source, or its own."""
        if self._given and item.source.url == self._given_for:
            if self._given[0].start >= item.info.duration:
                begins, ends = float(self._given[0].start), float(item.info.duration)
                raise MediaError(
                    f"rendering_config.subtitles_srt begins at {begins:.1f} s, after the end of the video "
                    f"({ends:.1f} s): its times must be those of the source."
                )
            return self._given
        wanted = language_tag((self._rendering and self._rendering.subtitles_language) or "")
        cues, warnings = await read_text(self._ffmpeg, item, wanted=wanted)
        self.warnings += warnings
        return cues

    async def exact(
        self, sources: Sequence[Source], video_urls: Sequence[str]
    ) -> tuple[list[list[Candidate]], list[AnalyzedSource]]:
        """Return the asked segments as clips, or as one, and each of them as footage of its own: only they are read.

        video_urls: what the segments' numbers count. Raises MediaError where one does not lie in its video.
        """
        segments: Sequence[SourceSegment] = (self._generation and self._generation.segments) or ()
        by_url = {source.url: source for source in sources}
        opened: dict[str, tuple[ProbedSource, tuple[Cue, ...]]] = {}
        footage: list[AnalyzedSource] = []
        for number, segment in enumerate(segments):
            url = video_urls[segment.source] if segment.source < len(video_urls) else sources[0].url
            if url not in by_url:
                raise MediaError(f"generation_config.segments[{number}] is from a video that could not be fetched.")
            if url not in opened:
                self._given_for = self._given_for or url  # the subtitles given are for the first segment's video
                probed, warnings = await open_source(self._ffmpeg, by_url[url], None, self._scratch, shortest=0)
                self.warnings += warnings
                opened[url] = probed, await self._read(probed)
            probed, cues = opened[url]
            start, end = _within(number, segment, probed.info.duration)
            item = replace(probed, start=start, end=end)
            report = self._progress.part("indexing", until=self._ends[1] * (number + 1) / len(segments))
            measured = await analyze.measure(self._ffmpeg, item.look(self._scratch), report=report, tier="full")
            item = replace(item, info=replace(item.info, audio=measured.audio))
            footage.append(AnalyzedSource(item, measured, cues))
        model = await self._speech_model(footage)
        unheard = [index for index, item in enumerate(footage) if model is not None and not item.cues]
        if model is not None and unheard:
            spans = {index: ((footage[index].opened.start, footage[index].opened.end),) for index in unheard}
            footage = await self._hear(footage, model, spans)
        windows = [Candidate(index, item.opened.start, item.opened.end, 0.0) for index, item in enumerate(footage)]
        self._progress.part("preprocessing", until=self._ends[1])
        self.wish = replace(self.wish, longest=max(self.wish.longest, MAX_SEGMENT_SECONDS))
        return [windows] if self.wish.template == "compilation" else [[window] for window in windows], footage

    async def _look_closer(
        self, footage: list[AnalyzedSource], within: Mapping[int, Stretches]
    ) -> list[AnalyzedSource]:
        """Return the footage with the stretches decoded in full."""
        closer = list(footage)
        first, last = self._ends
        for number, (index, stretches) in enumerate(within.items(), 1):
            opened = footage[index].opened
            looks = [opened.look(self._scratch, start=start, end=end) for start, end in stretches]
            until = first + (last - first) * number / len(within) / (2 if self._speech_problem is None else 1)
            report = self._progress.part("preprocessing", until=until)
            measured = await analyze.refine(self._ffmpeg, footage[index].measured, looks, report=report)
            closer[index] = replace(footage[index], measured=measured)
        return closer

    async def _hear(
        self, footage: list[AnalyzedSource], model: Path, within: Mapping[int, Stretches]
    ) -> list[AnalyzedSource]:
        """Return the footage with what the speech model hears in the stretches."""
        heard = list(footage)
        for number, (index, stretches) in enumerate(within.items(), 1):
            item = footage[index]
            looks = [item.opened.look(self._scratch, start=start, end=end) for start, end in stretches]
            first, last = self._ends
            report = self._progress.part("preprocessing", until=last - (last - first) / 2 * (1 - number / len(within)))
            cues, warnings = await listen(self._ffmpeg, looks, model, report)
            self.warnings += warnings
            heard[index] = replace(item, cues=cues, is_heard=True)
        return heard

    async def _each(self, items: Sequence[T], do: Callable[[T], Awaitable[R]]) -> list[R]:
        """Do the same to all, one after the other; leave out what fails, unless all do."""
        results: list[R] = []
        errors: list[MediaError] = []
        for number, item in enumerate(items, 1):
            try:
                results.append(await do(item))
            except DiskFullError:
                raise
            except MediaError as error:
                errors.append(error)
                self.warnings.append(f"Video {number} was left out: {error}")
        if not results:
            raise errors[0]
        return results

    async def _speech_model(self, footage: Sequence[AnalyzedSource]) -> Path | None:
        """Return the speech model, if there is anything to hear that no subtitles tell; None where it cannot be had."""
        unheard = [item for item in footage if not item.cues and item.measured.has_sound]
        if not unheard or self._speech is None or self._speech.setting.is_off:
            return None
        needs_words = self._rendering is None or self._rendering.subtitles is not False or self.wish.prompt != ""
        if self._speech_problem is None:
            audio = unheard[0].info.audio
            try:
                return await self._speech.model(
                    "" if audio is None else language_tag(audio.language), self._detail, may_fetch=needs_words
                )
            except ModelUnavailableError as error:
                self._speech_problem = str(error)
        if needs_words:
            self.warnings.append(f"Speech was not recognised: {self._speech_problem}")
        return None

    def _listens_late(self, seconds: Fraction) -> bool:
        """Whether sources are listened to only where clips may be, as they are long and no prompt asks for words."""
        return seconds > _SPEECH_FIRST_SECONDS and not query_terms(self.wish.prompt)

    def _spare(self, opened: Sequence[ProbedSource]) -> int:
        """Return how many more places than clips to look at closely, after a glance only."""
        glanced = any((self._tier or analyze.choose_tier(item.info, item.seconds)) == "keyframes" for item in opened)
        return _SPARE if glanced else 0

    def _note(self, footage: Sequence[AnalyzedSource], chosen: int) -> None:
        """Add the warnings on what was asked for and could not be had."""
        wanted = planning.expected_count(self.wish, _total(footage))
        if not self.wish.is_search and chosen < (wanted if self.wish.template == "moments" else self.wish.count or 0):
            noun = "clip fits" if chosen == 1 else "clips fit"
            self.warnings.append(f"Only {chosen} {noun} into the video without overlapping, of {wanted}.")
        has_text = any(item.cues for item in footage)
        if has_text and query_terms(self.wish.prompt) and not planning.is_prompt_matched(footage, self.wish):
            self.warnings.append("The prompt had no effect: none of its words is said in the video.")

    def why_wordless(self, footage: Sequence[AnalyzedSource], *, wants_captions: bool) -> str | None:
        """Return what is missing because nothing is known of what is said, why, and what would help; None: nothing."""
        lost = ["the clips have no captions"] if wants_captions else []
        lost += ["the prompt had no effect"] if query_terms(self.wish.prompt) else []
        if not lost or any(item.cues for item in footage):
            return None
        is_silent = not any(item.measured.has_sound for item in footage)
        reason = "the video has no subtitles" + (" and no sound" if is_silent else "")
        helps: list[str] = []
        if any(item.opened.source.url.startswith("file:") for item in footage):
            helps.append("put a .srt, .vtt or .ass file of the same name beside the video and make the same call again")
        if not is_silent and self._speech_problem is None:
            reason += ", and no speech was recognised in it"
        elif not is_silent and self._speech is not None and self._speech.problem() is not None:
            reason += ", and speech recognition is off"
            helps.append(self._speech.remedy())
        sentence = f"{' and '.join(lost)}: {reason}."
        remedies = f" To get text, {', or '.join(helps)}." if helps else ""
        return sentence[0].upper() + sentence[1:] + remedies


def _within(number: int, segment: SourceSegment, duration: Fraction) -> tuple[Fraction, Fraction]:
    """Return where a segment starts and ends in its video. Raises MediaError where it does not lie in it."""
    start, end = (Fraction(time).limit_denominator(1000) for time in (segment.start, segment.end))
    name, length = f"generation_config.segments[{number}]", f"{float(duration):.2f}"
    if start >= duration:
        raise MediaError(f"{name} starts at {segment.start:g} s, but the video ends at {length} s.")
    if end > duration + _END_SLACK:
        raise MediaError(f"{name} ends at {segment.end:g} s, but the video ends at {length} s: end it there.")
    return start, min(end, duration)


def _total(items: Sequence[ProbedSource] | Sequence[AnalyzedSource]) -> Fraction:
    return sum((item.seconds for item in items), start=Fraction(0))
