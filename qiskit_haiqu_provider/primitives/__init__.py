"""The primitives: SamplerV2 and EstimatorV2, and their options."""
