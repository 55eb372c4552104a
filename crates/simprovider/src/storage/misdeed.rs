use std::time::Duration;

/// What is talked about on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Talk {
    /// A proposal, in either form.
    Deal,
    /// A deal's status.
    Status,
    /// The ask.
    Ask,
    /// The ways to retrieve.
    Transports,
}

/// What a provider can do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Say no, in these words; of other talks than proposals, it says nothing.
    Reject(String),
    /// Read the request and reset the stream.
    Reset,
    /// Wait, and answer then as it should.
    Slow(Duration),
    /// Never answer.
    Silent,
    /// Send this instead of a reply, and end.
    Bytes(Vec<u8>),
    /// Announce this, and send zeros after it without end.
    Endless(Vec<u8>),
    /// Do what is asked, and reset the stream instead of saying so.
    Forget,
}

impl Misdeed {
    /// Lists within lists, a hundred thousand deep.
    #[must_use]
    pub fn deep_bomb() -> Self {
        Self::Bytes(vec![0x81; 100_000])
    }

    /// A list that announces more items than there is memory.
    #[must_use]
    pub fn wide_bomb() -> Self {
        Self::Endless(vec![0x9b, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    }

    /// A text that announces sixteen exabytes.
    #[must_use]
    pub fn long_bomb() -> Self {
        Self::Endless(vec![0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    }

    /// A list of indefinite length that never ends.
    #[must_use]
    pub fn indefinite() -> Self {
        Self::Endless(vec![0x9f])
    }
}
