//! Storage ports and their conformance suite.
