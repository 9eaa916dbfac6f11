"""The fence: a small program within a region's cluster that stops a primary which the other regions have overtaken.

Standard library only: a ConfigMap carries it into any Python image (`hakit.plan.fence`).
"""
