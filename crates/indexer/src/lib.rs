//! The pipeline from a verified chain to step series.
