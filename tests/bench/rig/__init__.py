"""The rig of scripts/bench: frames, the programs that carry them, and what came out."""
