"""Feedback for the exercises: each check tries an answer on fresh inputs, and says what is off.

A right answer prints one sentence on what it means; another raises `Wrong`, an AssertionError, in
words.  Inputs come from seeds that nobody knows beforehand, so no constant passes.  The notebooks
import the part they need, `plane`, `lorenz`, `images` or `equations`, under the name `check`.
"""
