"""What lives as long as the process: connections, the hub of generations, the heartbeat, the embedded engine.

It must not live in a lifespan of the SDK's: that one runs once per connection on SSE.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import anyio

from reka_clips.client import EMBEDDED, REKA, Backend, ClipClient, ConnectionPool, served_nearby
from reka_clips.errors import (
    BusyError,
    ConfigurationError,
    EngineMissingError,
    EngineStartError,
    MissingKeyError,
    RekaClipsError,
    ShutdownError,
)
from reka_clips.generations import ApiSession, GenerationManager, owner_of
from reka_clips.mcp_server.deadline import CALL_SECONDS, SHORT_SECONDS, deadline
from reka_clips.mcp_server.progress import Heartbeat
from reka_clips.mcp_server.visibility import Creators, without_files
from reka_clips.settings import Settings
from reka_clips.variables import is_placeholder, unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anyio.abc import TaskGroup

    from reka_clips.contract import ClipList, Snapshot
    from reka_clips.engine.process import EngineProcess
    from reka_clips.generations import Generation
    from reka_clips.mcp_server.http.clip_files import ClipLinks

KEY_HEADER: Final = "x-reka-api-key"
GET_A_KEY: Final = "A free key comes from Reka's platform site, https://platform.reka.ai."

_OR_REKA: Final = (
    "Or have Reka make the clips: set REKA_API_KEY (and REKA_CLIPS_BACKEND to auto or reka, should it be set). "
    + GET_A_KEY
)
_MAX_ACCOUNTS: Final = 1024
_LOOK_SECONDS: Final = 0.5
# Counted in looks and answers, not in time by a clock: a pause of this process or of the machine is no silence.
_LOOKS_PER_CHECK: Final = 20
_ANSWER_SECONDS: Final = 5.0
_MAX_UNANSWERED: Final = 4  # about a minute
_RESTART_SECONDS: Final = 60.0
_MARGIN_SECONDS: Final = 0.2  # before a call's deadline, for the words that say what it waited for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """What callers who bring no key of their own may use. Over stdio the caller is the operator: everything.

    own_key: the operator's REKA_API_KEY. engine: the embedded engine, and with it this machine's processor and disk.
    files: this machine's files: `file://` sources, and saving clips to its disk. no_files: why not, otherwise.
    """

    own_key: bool = True
    engine: bool = True
    files: bool = True
    no_files: str = field(default="this server reads no files of its computer", compare=False)


class _EngineStart:
    """One start of the embedded engine, which all calls that need it wait for. error: why it failed."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.error: RekaClipsError | None = None


class AppContext:
    """Everything the tools need, opened once per process: `async with Runtime(settings) as runtime`."""

    def __init__(
        self,
        settings: Settings,
        *,
        access: Access | None = None,
        links: ClipLinks | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        """Nothing is opened yet. links: over HTTP, how callers get at clips of the embedded engine."""
        self.call_seconds = call_seconds
        self.settings = settings
        self.access = access or Access()
        self._links = links
        self.pool = ConnectionPool(timeout_seconds=settings.timeout_seconds)
        self.manager = GenerationManager()
        self.heartbeat = Heartbeat()
        self.creators = Creators()
        self._accounts: OrderedDict[str, ApiSession] = OrderedDict()
        self._engine: EngineProcess | None = None
        self._engine_start: _EngineStart | None = None
        self._tasks: TaskGroup | None = None
        self._engine_came = anyio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.pool)
        await self._stack.enter_async_context(self.manager)
        tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(tasks.cancel_scope.cancel)
        self._tasks = tasks
        tasks.start_soon(self._keep_engine)
        tasks.start_soon(self.heartbeat.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tasks = None
        await self._stack.__aexit__(kind, error, trace)

    def deadline(
        self, wait_seconds: float | None = None, *, since: float | None = None
    ) -> AbstractContextManager[float]:
        """Return the block in which a call does what it awaits, and which ends in time.

        wait_seconds: how long the caller wants to wait; 0 leaves time for one short request, None means CALL_SECONDS.
        since: when the call arrived, on the clock of `anyio.current_time`; unset: now. See `deadline.deadline`.
        """
        seconds = self.call_seconds if wait_seconds is None else wait_seconds or min(SHORT_SECONDS, self.call_seconds)
        return deadline(seconds, since=since)

    def backend(self, headers: Mapping[str, str] | None = None) -> Backend:
        """Return the backend that this caller's generations go to.

        headers: the request's, or None over stdio.
        Raises ConfigurationError where REKA_CLIPS_BACKEND holds no backend, MissingKeyError or EngineMissingError
        where the chosen one cannot be used, each with what to do about it.
        """
        choice = self.settings.backend
        if choice is None:
            raise ConfigurationError(
                "The setting REKA_CLIPS_BACKEND is wrong: set it to auto, reka or local (or leave it out: auto)."
            )
        if headers is not None and choice != "local" and is_placeholder(_own_key(headers)):
            raise MissingKeyError(
                "The header X-Reka-API-Key holds a placeholder, such as ${REKA_API_KEY}, which the client did not "
                "replace by a key; nothing was sent. Put the key itself into the client's configuration, or "
                f"set the variable where the client starts. {GET_A_KEY}"
            )
        has_key = self._key(headers) is not None
        if choice == "reka" and not has_key:
            raise MissingKeyError(self._no_key_message(headers))
        if choice == "reka" or (choice == "auto" and has_key):
            return served_nearby(self.settings.base_url) if self.settings.base_url_is_local else REKA
        if headers is not None and not self.access.engine:
            raise MissingKeyError(
                f"Send your own Reka API key in the header X-Reka-API-Key. {GET_A_KEY} "
                "(This server's own clip engine is not switched on for others.)"
            )
        return EMBEDDED

    def no_files_reason(self, headers: Mapping[str, str] | None = None) -> str | None:
        """Return why this caller's `file://` sources are refused ("must …"), or None where they are accepted.

        The embedded engine or one on this machine reads them for the operator, never for other people.
        """
        is_operator = headers is None or self.access.files
        return None if is_operator else f"must be an http or https link: {self.access.no_files}"

    def possible_backends(self) -> tuple[bool, bool]:
        """Return whether Reka (or what is set in its place), and whether an engine may answer calls here."""
        if self.links_are_needed:
            return True, self.access.engine
        try:
            backend = self.backend()
        except ConfigurationError:
            return True, True
        return not backend.is_embedded, True

    @property
    def links_are_needed(self) -> bool:
        """Whether callers are elsewhere and get at files of this computer by links alone."""
        return self._links is not None

    def backend_for(self, urls: Sequence[str], headers: Mapping[str, str] | None = None) -> Backend:
        """Return the backend that clips of these videos are made by: files of this computer go to the engine on it.

        Raises as `backend`.
        """
        if any(url.lower().startswith("file:") for url in urls):
            with suppress(ConfigurationError):
                chosen = self.backend(headers)
                return chosen if chosen.takes_files else EMBEDDED
            return EMBEDDED
        return self.backend(headers)

    def uses_own_key(self, headers: Mapping[str, str]) -> bool:
        """Return whether this caller's generations are made with a Reka key that came with the request."""
        try:
            return bool(_own_key(headers)) and not self.backend(headers).is_embedded
        except ConfigurationError:
            return False

    def shown(self, snapshot: Snapshot, headers: Mapping[str, str] | None, session: ApiSession) -> Snapshot:
        """Return the snapshot with links that this caller can open and may see.

        Over HTTP, files of the embedded engine become signed links of this server. headers: the request's. session:
        whose generation it is.
        """
        if not session.backend.is_near:
            snapshot = without_files(snapshot)
        if self._is_shared(headers):
            snapshot = self.creators.snapshot(snapshot)
        if headers is None or self._links is None or not session.backend.is_embedded:
            return snapshot
        base_url = self.settings.public_url or f"http://{headers.get('host', 'localhost')}"
        return self._links.linked(snapshot, base_url=base_url)

    def shown_list(self, page: ClipList, headers: Mapping[str, str] | None) -> ClipList:
        """Return a list of generations as this caller may see it."""
        return self.creators.page(page) if self._is_shared(headers) else page

    def _is_shared(self, headers: Mapping[str, str] | None) -> bool:
        """Return whether this caller may be one of several who use the same account."""
        return headers is not None and not self.access.files and not self.uses_own_key(headers)

    def engine_file(self, generation_id: str, name: str) -> Path | None:
        """Return where the embedded engine keeps a finished clip or its picture, or None if it is not there.

        name: `1.mp4` or `1.jpg`, counted from 1. Looks at the disk.
        """
        from reka_clips.engine.service.paths import Folders

        path = Folders.of(self.settings.data_dir).clips(generation_id.lower()) / name
        return path if path.is_file() else None

    def backend_sentence(self) -> str:
        """Return one sentence for people and models: where clips are made, and what that costs."""
        try:
            return self.backend().sentence
        except ConfigurationError as error:
            return f"No clips can be made yet: {error}"

    def words_sentence(self) -> str:
        """Return what is known before the first call of captions, prompts and exact cuts, for people and models."""
        try:
            if not self.backend().has_extras:
                return "For exactly 0:05 to 0:20: source_start_time 5, source_end_time 20, and min and max duration 15."
        except ConfigurationError:
            return ""
        is_on = not self.settings.speech.is_off and find_spec("faster_whisper") is not None
        speech = "on" if is_on else "off"
        return (
            "Captions come from subtitles beside or inside the video, from subtitles_srt, or from speech recognition, "
            f"which is {speech} here; a prompt is matched with those words. For an exact cut use segments."
        )

    async def account(self, headers: Mapping[str, str] | None = None, *, backend: Backend | None = None) -> ApiSession:
        """Return whose generations this caller sees, starting the embedded engine at its first use.

        backend: unset, the one that this caller's generations go to. Raises what `backend` raises, EngineMissingError
        or EngineStartError if the engine cannot be started, and BusyError if it is still starting when the call has to
        be answered.
        """
        backend = backend or self.backend(headers)
        if backend.is_embedded:
            try:
                engine = await self._running_engine()
            except EngineMissingError as error:
                raise EngineMissingError(f"{error} {_OR_REKA}") from error
            return self._account(backend, engine.base_url, engine.api_key)
        return self._account(backend, self.settings.base_url, self._key(headers))

    async def engine_account(self, headers: Mapping[str, str] | None = None) -> ApiSession:
        """Return the session for what only an engine of this program can do. Raises as `account`."""
        with suppress(ConfigurationError):
            chosen = self.backend(headers)
            if chosen.has_extras:
                return await self.account(headers, backend=chosen)
        if headers is not None and not self.access.engine:
            raise MissingKeyError("This server's own clip engine is not switched on for others.")
        return await self.account(headers, backend=EMBEDDED)

    async def session_of(self, generation_id: str, headers: Mapping[str, str] | None = None) -> ApiSession:
        """Return the session that a generation belongs to: clips of local files are the embedded engine's, key or not.

        Raises as `account`.
        """
        session = await self.account(headers)
        if session.backend.has_extras or headers is not None or self.manager.known(session, generation_id):
            return session
        is_here = self._has_clips(generation_id)
        if is_here or self._engine is not None:
            near = await self.account(headers, backend=EMBEDDED)
            if is_here or self.manager.known(near, generation_id):
                return near
        return session

    def _has_clips(self, generation_id: str) -> bool:
        """Whether the embedded engine keeps clips of a generation. Looks at the disk."""
        from reka_clips.engine.service.paths import Folders

        return Folders.of(self.settings.data_dir).clips(generation_id.lower()).is_dir()

    def known_generations(self, headers: Mapping[str, str] | None = None) -> list[Generation]:
        """Return the generations of this caller that the process knows, latest first; asks nobody."""
        try:
            backend = self.backend(headers)
        except ConfigurationError:
            return []
        return self.manager.known_to(self._owner(backend, self._key(headers)))

    def _account(self, backend: Backend, base_url: str, api_key: str | None) -> ApiSession:
        owner = self._owner(backend, api_key)
        known = self._accounts.get(owner)
        if known is not None and known.client.base_url != base_url:
            known.client.redirect(base_url=base_url, api_key=api_key)
        if known is None:
            client = ClipClient(self.pool, base_url=base_url, api_key=api_key, is_embedded=backend.is_embedded)
            known = self._accounts[owner] = ApiSession(client=client, owner=owner, backend=backend)
        self._accounts.move_to_end(owner)
        while len(self._accounts) > _MAX_ACCOUNTS:
            self._accounts.popitem(last=False)
        return known

    def _owner(self, backend: Backend, api_key: str | None) -> str:
        # The embedded engine gets a new key and address at each start; its generations stay the same.
        if backend.is_embedded:
            return owner_of(backend=backend.name, base_url="", api_key="")
        return owner_of(backend=backend.name, base_url=self.settings.base_url, api_key=api_key)

    def _key(self, headers: Mapping[str, str] | None) -> str | None:
        if headers is None:
            return self.settings.api_key
        return _own_key(headers) or (self.settings.api_key if self.access.own_key else None)

    def _no_key_message(self, headers: Mapping[str, str] | None) -> str:
        if headers is not None:
            return f"There is no Reka API key for this call: send one in the header X-Reka-API-Key. {GET_A_KEY}"
        problem = self.settings.problem_with("REKA_API_KEY")
        if "REKA_API_KEY" in self.settings.placeholders:
            problem = "REKA_API_KEY still holds a placeholder, so it counts as not set."
        return (
            f"There is no Reka API key: {f'{problem} ' if problem else ''}"
            f"{'Set' if problem else 'set'} REKA_API_KEY in this server's configuration and restart it. {GET_A_KEY} "
            "Without a key, REKA_CLIPS_BACKEND=local cuts clips on this computer."
        )

    async def _running_engine(self) -> EngineProcess:
        """Return the engine once it answers; it is started by itself, so that no call's end interrupts that."""
        if self._engine is not None and self._engine.is_alive:
            return self._engine
        if self._tasks is None:
            raise ShutdownError("This program is ending, or has not begun yet.")
        if self._engine_start is None or self._engine_start.done.is_set():
            self._engine_start = _EngineStart()
            self._tasks.start_soon(self._start_engine, self._engine_start)
        start = self._engine_start
        with anyio.move_on_at(anyio.current_effective_deadline() - _MARGIN_SECONDS):
            await start.done.wait()
        if not start.done.is_set():
            raise BusyError("The clip engine is still starting; nothing was sent. Call again in a few seconds.")
        if start.error is not None:
            raise start.error.with_traceback(None)
        assert self._engine is not None  # noqa: S101 - it was started
        return self._engine

    async def _start_engine(self, start: _EngineStart) -> None:
        from reka_clips.engine.process import EngineProcess

        try:
            if self._engine is None:
                self._engine = EngineProcess(self.settings)
            if not self._engine.is_alive:
                await self._engine.start()
                # It has another address and key now; what is followed goes on there.
                self._account(EMBEDDED, self._engine.base_url, self._engine.api_key)
                self._engine_came.set()
        except RekaClipsError as error:
            start.error = error
        except Exception as error:  # a fault of ours must not end the server
            log.exception("The clip engine could not be started.")
            start.error = EngineStartError("The clip engine could not be started; the server's log says why.")
            start.error.__cause__ = error
        finally:
            start.done.set()

    async def _keep_engine(self) -> None:
        """Start the engine again while generations of it are followed, should it be killed or not answer any more.

        One that ends because nobody needs it is left alone, and so is one that cannot stay up: the next call tries
        again, and says what is wrong.
        """
        owner = self._owner(EMBEDDED, None)
        looks = unanswered = 0
        while True:
            await self._engine_came.wait()
            await anyio.sleep(_LOOK_SECONDS)
            looks += 1
            engine = self._engine
            if engine is not None and engine.is_alive:
                if looks % _LOOKS_PER_CHECK == 0:
                    unanswered = 0 if await engine.answers(seconds=_ANSWER_SECONDS) else unanswered + 1
                if unanswered >= _MAX_UNANSWERED:
                    log.error("The clip engine does not answer any more and is killed.")
                    unanswered = 0
                    engine.kill()
            elif self.manager.is_following(owner):
                log.warning("The clip engine has ended while generations are followed, and is started again.")
                try:
                    await self._running_engine()
                except ConfigurationError as error:
                    log.error("%s", error)  # noqa: TRY400 - the sentence says all, a traceback nothing more
                    await anyio.sleep(_RESTART_SECONDS)
            else:
                self._engine_came = anyio.Event()


def _own_key(headers: Mapping[str, str]) -> str:
    """Return the Reka key that came with a request, without quotation marks around it, or ""."""
    return unquoted(headers.get(KEY_HEADER, ""))
