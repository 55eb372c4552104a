//! Proof types by the numbers that the chain uses (`go-state-types/abi`).

use filecoin_proofs_api::{RegisteredPoStProof as Post, RegisteredSealProof as Seal};

use crate::NotMade;

/// A proof of spacetime: 0 to 4 winning, 5 to 9 window, 10 to 14 window of version 1.1.
pub(crate) fn post(number: i64) -> Result<Post, NotMade> {
    Ok(match number {
        0 => Post::StackedDrgWinning2KiBV1,
        1 => Post::StackedDrgWinning8MiBV1,
        2 => Post::StackedDrgWinning512MiBV1,
        3 => Post::StackedDrgWinning32GiBV1,
        4 => Post::StackedDrgWinning64GiBV1,
        5 => Post::StackedDrgWindow2KiBV1,
        6 => Post::StackedDrgWindow8MiBV1,
        7 => Post::StackedDrgWindow512MiBV1,
        8 => Post::StackedDrgWindow32GiBV1,
        9 => Post::StackedDrgWindow64GiBV1,
        10 => Post::StackedDrgWindow2KiBV1_2,
        11 => Post::StackedDrgWindow8MiBV1_2,
        12 => Post::StackedDrgWindow512MiBV1_2,
        13 => Post::StackedDrgWindow32GiBV1_2,
        14 => Post::StackedDrgWindow64GiBV1_2,
        other => return Err(NotMade::UnknownType(other)),
    })
}

/// A proof of replication: 0 to 4, 5 to 9 (version 1.1), 10 to 14 (synthetic), 15 to 19 (non-interactive).
pub(crate) fn seal(number: i64) -> Result<Seal, NotMade> {
    Ok(match number {
        0 => Seal::StackedDrg2KiBV1,
        1 => Seal::StackedDrg8MiBV1,
        2 => Seal::StackedDrg512MiBV1,
        3 => Seal::StackedDrg32GiBV1,
        4 => Seal::StackedDrg64GiBV1,
        5 => Seal::StackedDrg2KiBV1_1,
        6 => Seal::StackedDrg8MiBV1_1,
        7 => Seal::StackedDrg512MiBV1_1,
        8 => Seal::StackedDrg32GiBV1_1,
        9 => Seal::StackedDrg64GiBV1_1,
        10 => Seal::StackedDrg2KiBV1_1_Feat_SyntheticPoRep,
        11 => Seal::StackedDrg8MiBV1_1_Feat_SyntheticPoRep,
        12 => Seal::StackedDrg512MiBV1_1_Feat_SyntheticPoRep,
        13 => Seal::StackedDrg32GiBV1_1_Feat_SyntheticPoRep,
        14 => Seal::StackedDrg64GiBV1_1_Feat_SyntheticPoRep,
        15..=19 => return Err(NotMade::Aggregate(number)),
        other => return Err(NotMade::UnknownType(other)),
    })
}
