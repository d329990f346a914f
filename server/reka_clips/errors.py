"""Everything that can go wrong, sorted by who can fix it.

RekaClipsError
├── ConfigurationError          the user: a key, a setting, an installation is missing or wrong
│   ├── MissingKeyError
│   ├── EngineMissingError
│   └── EngineStartError
├── ArgumentError               the agent: the call is wrong; nothing was sent
├── ConsentError                the person said no, or could not be asked; nothing was sent
├── BusyError                   nobody: too many calls or generations at once; try again
├── ShutdownError               nobody: this process is ending
├── ApiError                    the Clip API answered with an error
│   ├── BadRequestError         400, 422: the agent
│   ├── AuthenticationError     401, 403: the user
│   ├── CreditError             402, or "Insufficient Balance": the user
│   ├── NotFoundError           404: the agent
│   ├── ConflictError           409
│   ├── RateLimitError          429: the user, or time
│   └── ServerError             5xx: nobody
├── TransportError              the Clip API was not reached, or its answer was lost: nobody
│   ├── NotSentError            it is certain that nothing arrived
│   └── UnreadableAnswerError   something arrived that is no answer of a Clip API
├── DownloadError               a linked file could not be fetched: the agent (another link), or nobody
└── CreationLostError           a creation's answer was lost and could not be found again
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What a Clip API says of the requests left. `reset_seconds`: until the window renews; None: not said."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after_seconds: float | None = None


class RekaClipsError(Exception):
    """Base of all errors of this program. `str(error)` is a plain sentence that holds no key.

    `generation_id`: the generation it is about, where it was known when the error came up.
    """

    generation_id: str | None = None


class ConfigurationError(RekaClipsError):
    """A setting is missing or wrong; the message says which and what to do."""


class MissingKeyError(ConfigurationError):
    """The Reka backend was asked for, and no API key is there."""


class EngineMissingError(ConfigurationError):
    """The embedded engine was asked for, and it (or its ffmpeg) is not installed."""


class EngineStartError(ConfigurationError):
    """The embedded engine was started and did not come up."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a call. `path`: the field as in `generation_config.template`."""

    path: str
    problem: str


class ArgumentError(RekaClipsError):
    """The call is wrong. `refusals` tells every problem at once; nothing was sent."""

    def __init__(self, refusals: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(f"{refusal.path}: {refusal.problem}" for refusal in refusals))
        self.refusals = refusals


class ConsentError(RekaClipsError):
    """The person declined, or the client cannot ask; nothing was sent."""


class BusyError(RekaClipsError):
    """Too much at once for this process; nothing was sent."""


class ShutdownError(RekaClipsError):
    """This process is ending; generations go on upstream, and their ids stay good."""


class ApiError(RekaClipsError):
    """The Clip API answered with an error status."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error_type: str | None = None,
        request_id: str | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.request_id = request_id
        self.rate_limit = rate_limit


class BadRequestError(ApiError):
    """400 or 422: the Clip API refuses a field."""


class AuthenticationError(ApiError):
    """401 or 403: the key is missing, wrong or not allowed to do this."""


class CreditError(ApiError):
    """402, or any status with "Insufficient Balance": the account has no credit."""


class NotFoundError(ApiError):
    """404: no such generation, for this key."""


class ConflictError(ApiError):
    """409: on creation a duplicate request, on deletion a generation that still runs."""


class RateLimitError(ApiError):
    """429: the limit is reached; `rate_limit` says when it resets."""


class ServerError(ApiError):
    """5xx: the Clip API is in trouble."""


class TransportError(RekaClipsError):
    """The Clip API was not reached, or the connection broke. `request_id`: if the answer had begun."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class NotSentError(TransportError):
    """No connection could be made: it is certain that the request did not arrive."""


class UnreadableAnswerError(TransportError):
    """What came back is no answer of a Clip API: HTML, broken JSON, a redirect. `status`: its HTTP status."""

    def __init__(self, message: str, *, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.status = status


class DownloadError(RekaClipsError):
    """A linked file could not be fetched; the message says why and holds nothing of the link."""


class CreationLostError(RekaClipsError):
    """The answer to a creation was lost and the generation was not found with certainty.

    `candidates`: ids of generations that may be it, newest first; empty where none was found.
    """

    def __init__(self, message: str, *, candidates: tuple[str, ...] = (), request_id: str | None = None) -> None:
        super().__init__(message)
        self.candidates = candidates
        self.request_id = request_id
