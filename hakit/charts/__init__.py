"""Charts: load, render, harden, audit and freeze them. Nothing here knows of regions or of Pulumi."""
