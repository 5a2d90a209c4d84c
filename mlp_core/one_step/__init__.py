"""One training step in full: forward, loss, backward by the chain rule, update, and what autograd does meanwhile."""
