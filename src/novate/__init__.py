"""novate: a deterministic clearing risk engine for digital-asset derivatives."""
