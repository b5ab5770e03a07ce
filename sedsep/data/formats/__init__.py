"""What audio files are on disk: where their sound lies, byte by byte, whatever their headers say of its length."""
