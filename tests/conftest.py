"""What all tests share."""

from hypothesis import settings

# How long an example takes tells of the machine's other work, not of the code: benchmarks measure that
settings.register_profile("house", settings(deadline=None))  # on top of the one of CI, where that is
settings.load_profile("house")
