"""Follows generations: one watcher per generation, any number of listeners, none of them lost or paid twice."""

from reka_clips.jobs.account import Account, owner_of
from reka_clips.jobs.creation import Creation, How
from reka_clips.jobs.fold import JobState
from reka_clips.jobs.hub import Hub
from reka_clips.jobs.job import Job
from reka_clips.jobs.pace import HubLimits, Pace

__all__ = ["Account", "Creation", "How", "Hub", "HubLimits", "Job", "JobState", "Pace", "owner_of"]
