"""Follows generations: one watcher per generation, any number of followers, none of them lost or paid twice."""

from reka_clips.generations.config import PollingConfig, RegistryLimits
from reka_clips.generations.generation import ApiSession, Generation, owner_of
from reka_clips.generations.manager import GenerationManager
from reka_clips.generations.state import GenerationState
from reka_clips.generations.submission import How, SubmissionHandle

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
