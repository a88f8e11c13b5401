from __future__ import annotations

from tests.projects.contract import Project
from tests.projects.qsessions.project import LOGS, ROADS, SAMPLES, STORIES, UNSTABLE, prepare

PROJECT = Project(
    packages=("django-user-sessions", "django-cas-ng", "django-axes"),
    inside="/account/",
    roads=ROADS,
    prepare=prepare,
    samples=SAMPLES,
    logs=LOGS,
    stories=STORIES,
    unstable=UNSTABLE,
)
