"""What bytes are: their digests, their type, and whether an SVG is harmless."""

from longshore.adapters.content.detector import ContentDetector
from longshore.adapters.content.digests import StreamDigesters

__all__ = ["ContentDetector", "StreamDigesters"]
