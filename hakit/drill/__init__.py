"""The guide's checklist as a run: `hakit drill`.

`run` holds the parts one after the other, each measured by markers, and ends in a report. What a part does to the world
goes through `underway.Tools`.
"""
