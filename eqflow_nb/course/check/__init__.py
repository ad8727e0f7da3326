"""Feedback for the exercises: each check tries an answer on fresh inputs, and says what is off.

A right answer prints one sentence on what it means; another raises `Wrong`, an AssertionError, in
words.  Inputs come from seeds that nobody knows beforehand, so no constant passes.
"""

from eqflow_nb.course.check.base import Wrong as Wrong
from eqflow_nb.course.check.base import uniform as uniform
from eqflow_nb.course.check.equations import *  # noqa: F403
from eqflow_nb.course.check.images import *  # noqa: F403
from eqflow_nb.course.check.lorenz import *  # noqa: F403
from eqflow_nb.course.check.plane import *  # noqa: F403
