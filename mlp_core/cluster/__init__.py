"""Work on the nodes of a Ray cluster (https://docs.ray.io).

`cluster` is what the rest of the project uses, `relay` the process that talks to Ray, `there` what a node does, and
`packing` how things travel. Ray is imported in the relay alone.
"""
