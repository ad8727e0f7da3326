"""Feedback for the exercises: each check tries an answer on fresh inputs, and says what is off.

A right answer prints what it means; another raises `Wrong`, an AssertionError, in words.
"""
