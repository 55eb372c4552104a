use std::time::Duration;

/// What a node can do wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refuse everything: not now.
    Unavailable,
    /// Answer as it should, after so long.
    Slow(Duration),
    /// Answer a byte at a time, and never come to an end.
    Drip(Duration),
    /// Answer without end.
    Endless,
    /// Announce sixteen exabytes.
    HugeLength,
    /// A page that says sorry, with this status.
    Html(u16),
    /// Send elsewhere.
    Redirect(String),
    /// The first half of the answer.
    Truncated,
    /// An object where a number or a text should be.
    WrongType,
    /// Do what is asked, and break the connection instead of saying so.
    ReplyLost,
    /// Leave out every field that has the value that it has by itself. That is good form.
    Sparse,
    /// Wrap rows as early nodes did, in `{"v1": …}`. That is good form.
    Wrapped,
    /// Have a field for the number of rows, and not count. That is good form.
    Uncounted,
    /// Say that there is one row more than there is, wherever rows are counted.
    WrongCount,
    /// Give one row twice, in place of the last one or behind it.
    Duplicate,
    /// Give half of a page, and go on behind it.
    Short,
    /// Leave out the last row of a page that is not full.
    Missing,
    /// Give one row of a layer or an epoch that was not asked for.
    OutOfRange,
    /// Order rows that rank alike in another way each time.
    Ties,
    /// List layers that have not come yet, of which nothing is known.
    Future,
    /// Say of every layer that it is verified.
    Verified,
    /// Be of another network.
    WrongGenesis,
    /// Be behind, and take no transactions.
    NotSynced,
    /// Say that a transaction is taken, and forget it.
    Dropped,
    /// Have no room for another transaction.
    Full,
}
