"""The restore check: a program within a region's cluster that restores the newest backup and asks what came back.

Standard library only: a ConfigMap carries it into any Python image (`hakit.plan.restore_check`).
"""
