"""Equilibrium flow: set still snapshots in motion without changing their distribution."""

__version__ = "0.1.0"
