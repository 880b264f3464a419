"""The heavy, offline side: folders in, vectors and a catalogue on disk."""
