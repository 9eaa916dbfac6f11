"""Moving a pair: switchover, failover, failback. A plan first, then its steps, each journalled before and after.

`steps` says what a step is, `plan` computes them from the topology and from what was seen, `run` executes them, `acts`
has what each does, through the seam `world`; `real` is the world outside. `journal` and `lock` keep where an operation
stands and who runs it, in a `store` outside of the regions.
"""
