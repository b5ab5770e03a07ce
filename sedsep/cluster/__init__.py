"""Slurm: what a job asks for, how it is written, submitted and watched; is the machine fit, and what will it take."""
