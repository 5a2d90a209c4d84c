"""Runs that are kept: their records, curves, figures and weights, in SQLite or PostgreSQL.

`keeper` saves in the background what sessions hand over, and loads nothing heavy; all else needs SQLAlchemy. Everything
is stored in transactions: what `runs.RunStore.save` has returned from survives the end of the process at any moment.
"""
