"""What observes a run and computes its figures: live, in a replay, or from its journal."""
