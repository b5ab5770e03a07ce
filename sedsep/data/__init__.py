"""From files to batches: audio, manifests, soundbanks, simulation, sampling."""
