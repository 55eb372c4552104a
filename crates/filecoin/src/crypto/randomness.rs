use super::blake2b256;

/// What a draw of randomness is for (specification, "Domain separation"; go-state-types `crypto/randomness.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i64)]
pub enum DomainSeparationTag {
    /// Tickets.
    TicketProduction = 1,
    /// Elections.
    ElectionProofProduction = 2,
    /// Which sector a WinningPoSt challenges.
    WinningPoStChallengeSeed = 3,
    /// Challenges of a WindowPoSt.
    WindowedPoStChallengeSeed = 4,
    /// Sealing.
    SealRandomness = 5,
    /// Interactive PoRep.
    InteractiveSealChallengeSeed = 6,
    /// Offset of a proving period.
    WindowedPoStDeadlineAssignment = 7,
}

/// Draw 32 bytes from a beacon entry or ticket: `blake2b(be64(tag) ‖ blake2b(base) ‖ be64(round) ‖ entropy)`.
///
/// `round` may be negative: before genesis the lookup is clamped, the number is not.
/// Source: Lotus `chain/rand/rand.go`, `DrawRandomnessFromBase`.
#[must_use]
pub fn draw(base: &[u8], tag: DomainSeparationTag, round: i64, entropy: &[u8]) -> [u8; 32] {
    let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
    state.update(&(tag as i64).to_be_bytes());
    state.update(&blake2b256(base));
    state.update(&round.to_be_bytes());
    state.update(entropy);
    let mut drawn = [0; 32];
    drawn.copy_from_slice(state.finalize().as_bytes());
    drawn
}
