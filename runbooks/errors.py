"""The refusals of runbooks."""

from pulse.problems import Problem


class SeedRefused(Problem):
    status = 409
    code = "seed_refused"
    detail = "A made-up world is for an empty installation."
