"""The URL grammar of delivery and the rules of transformations: pure, no pixels.

A URL becomes operations (`grammar`), operations and an Accept header become a format (`negotiate`), operations and
facts become a plan (`plan`, `geometry`, `limits`), operations and a file become a cache key (`transformation`).
Pixels are made elsewhere, behind `ports/rendering`.
"""
