"""Equilibrium flow: set still snapshots in motion without changing their law."""

__version__ = "0.1.0"
