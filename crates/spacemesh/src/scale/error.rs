/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// The bytes end before the value does.
    #[error("the bytes end at byte {at}, where {needed} more were expected")]
    Truncated {
        /// Where the value's next part should be.
        at: usize,
        /// How long that part is.
        needed: usize,
    },
    /// A compact integer too large for its field.
    #[error("the integer at byte {at} has more than {bits} bits")]
    Overflow {
        /// Where it begins.
        at: usize,
        /// The width of the field.
        bits: usize,
    },
    /// A compact integer in a longer form than it needs.
    #[error("the integer at byte {at} is not in its shortest form")]
    NotShortest {
        /// Where it begins.
        at: usize,
    },
    /// A list that is longer than its kind may be.
    #[error("the list at byte {at} has {count} items, which is more than {limit}")]
    TooMany {
        /// Where its length is.
        at: usize,
        /// What its length says.
        count: u32,
        /// What is allowed.
        limit: u32,
    },
    /// A byte that says whether a value follows, and is neither 0 nor 1.
    #[error("byte {at} is {byte:#04x}, neither 0 nor 1")]
    Flag {
        /// Where it is.
        at: usize,
        /// What it is.
        byte: u8,
    },
    /// A value that this field cannot have.
    #[error("the value at byte {at} is no {what}")]
    Value {
        /// Where it begins.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
    /// More bytes than the value has.
    #[error("the value ends at byte {at}, and {rest} bytes follow")]
    Trailing {
        /// Where the value ends.
        at: usize,
        /// What follows.
        rest: usize,
    },
}
