"""Changing who is active: what `hakit switchover`, `failover`, `failback` and `drill` are made of."""
