"""The tools that the engine carries out itself, and the files they work on."""
