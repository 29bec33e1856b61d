"""What bytes are: their digests, their type, and whether an SVG is harmless."""

from longshore.adapters.content.detector import ContentDetector
from longshore.adapters.content.digests import StreamDigesters
from longshore.adapters.content.svg import StrictSvgJudge

__all__ = ["ContentDetector", "StreamDigesters", "StrictSvgJudge"]
