//! Standings as a pure function of series.
