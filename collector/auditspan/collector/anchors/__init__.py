"""Shows what was signed to others, who keep it out of the collector's reach (docs/anchors.md)."""
