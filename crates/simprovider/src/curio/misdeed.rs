use std::time::Duration;

/// What a market can do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Answer with this status and this text, whatever was asked. Curio begins what it says of a deal with `Reason: `.
    Say(u16, String),
    /// Never answer.
    Hang,
    /// Answer a byte at a time, and never come to an end.
    Drip(Duration),
    /// Answer without end.
    Huge,
    /// Announce sixteen exabytes.
    HugeLength,
    /// Answer in JSON, and in these bytes.
    Json(Vec<u8>),
    /// A page that says sorry, with status 200.
    Html,
    /// Compress the answer, to very little.
    GzipBomb,
    /// Send elsewhere.
    Redirect(String),
    /// Its clock is off by so many minutes.
    Clock(i64),
    /// Do as it should, but do not tell the time.
    Timeless,
    /// Do what is asked, and close the connection instead of saying so.
    Forget,
    /// Take deals, and never fetch their data.
    NeverFetch,
    /// Take deals, and fetch half of their data.
    FetchHalf,
    /// Take deals, fetch their data, and say that it is other data.
    ReportMismatch,
}
