use apogee_domain::{Epoch, Timestamp};

/// When epoch 0 began: 2020-08-24 22:00 UTC, in seconds since 1970.
pub const GENESIS: i64 = 1_598_306_400;
/// How long an epoch lasts.
pub const EPOCH_SECONDS: u32 = 30;
/// The last epoch of the race; 60480 began at 2020-09-14 22:00 UTC.
pub const LAST: i64 = 60_479;

/// A moment of June to September 2020, UTC.
pub(crate) const fn moment(month: i64, day: i64, hour: i64, minute: i64) -> Timestamp {
    let before = match month {
        6 => 0,
        7 => 30,
        8 => 61,
        _ => 92,
    };
    // 2020-06-01 00:00.
    Timestamp::from_seconds(1_590_969_600 + ((before + day - 1) * 24 + hour) * 3_600 + minute * 60)
}

/// The epoch at a time; 0 before there was one.
pub(crate) const fn epoch(time: Timestamp) -> Epoch {
    Epoch::GENESIS.plus(since(time))
}

const fn since(time: Timestamp) -> u32 {
    let seconds = time.seconds() - GENESIS;
    if seconds < 0 { 0 } else { (seconds / EPOCH_SECONDS as i64) as u32 }
}

/// When an epoch begins.
pub(crate) const fn begins(epoch: i64) -> Timestamp {
    Timestamp::from_seconds(GENESIS + epoch * EPOCH_SECONDS as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_epochs_that_are_known() {
        for (time, height) in [
            (moment(6, 9, 12, 0), 0),
            (moment(8, 24, 22, 0), 0),
            (moment(8, 31, 16, 6), 19_452),
            (moment(9, 14, 22, 0), 60_480),
        ] {
            assert_eq!(epoch(time).height(), height, "{time}");
        }
        assert_eq!(begins(60_480), moment(9, 14, 22, 0));
    }
}
