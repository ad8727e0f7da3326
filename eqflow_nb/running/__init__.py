"""What runs the course: its notebooks, sweeps over their parameters, scorecards, pages, commands.

Nothing here knows any science; other rooms don't import from it.
"""
