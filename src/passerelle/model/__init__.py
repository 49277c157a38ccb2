"""Ids, points, states, errors, settings: what every room speaks of."""
