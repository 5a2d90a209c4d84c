"""One module per family of commands of `python -m mlp_core`; each has `add(commands)`, which registers its parsers."""
