"""Follows generations: one watcher per generation, any number of listeners, none of them lost or paid twice."""

from reka_clips.generations.generation import Generation
from reka_clips.generations.manager import GenerationManager
from reka_clips.generations.session import ApiSession, owner_of
from reka_clips.generations.state import GenerationState
from reka_clips.generations.submission_handle import How, SubmissionHandle
from reka_clips.generations.timing import PollingConfig, RegistryLimits

__all__ = [
    "ApiSession",
    "Generation",
    "GenerationManager",
    "GenerationState",
    "How",
    "PollingConfig",
    "RegistryLimits",
    "SubmissionHandle",
    "owner_of",
]
