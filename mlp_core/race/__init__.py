"""Races: a few variants of one experiment that train side by side, in step, to see which learns best.

`rivals` says what may differ, `variant` makes the experiments, `race` trains them, `words` tells who is ahead.
"""
