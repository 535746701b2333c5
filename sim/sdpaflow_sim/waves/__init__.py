"""Waveforms, and save files for GTKWave."""
