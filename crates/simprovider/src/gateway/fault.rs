use std::time::Duration;

/// What goes wrong with one answer, and nothing else with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with a word of explanation: 403, 404, 410, 429, 500, 503.
    Status(u16),
    /// The head of the answer comes so much later.
    SlowFirstByte(Duration),
    /// After so many bytes of the body, nothing.
    Stall(usize),
    /// Never still, and never done: a few bytes at a time.
    Drip {
        /// Bytes a piece; at least 1.
        bytes: usize,
        /// Between two pieces.
        pause: Duration,
    },
    /// A body behind the body that does not end: the last block again and again, or zeros.
    Endless,
    /// A body is announced that is far larger than what was asked for.
    HugeLength,
    /// Other content under the CIDs that were asked for.
    WrongBytes,
    /// One bit of the last block is another.
    FlippedBit,
    /// Blocks of other content, rightly named.
    WrongBlocks,
    /// Every block comes twice.
    DuplicateBlocks,
    /// A block in the middle is left out.
    MissingBlock,
    /// A block that nobody asked for comes at the end.
    ExtraBlock,
    /// Half a section comes at the end.
    HalfSection,
    /// Children come in the reverse order.
    WrongOrder,
    /// The first block alone.
    RootOnly,
    /// Nothing, with status 200.
    Empty,
    /// The body ends in the middle, as if that were its end.
    Truncated,
    /// The connection closes in the middle of the body.
    Aborted,
    /// A section that is 2⁶³ − 1 bytes long.
    HugeVarint,
    /// A length of more than ten bytes.
    EndlessVarint,
    /// A section that is shorter than its CID.
    TinySection,
    /// A section without bytes.
    ZeroSection,
    /// The header is CBOR that nests a list in a list, as deep as fits.
    NestedHeader,
    /// The header announces 2⁴⁰ roots.
    CrowdedHeader,
    /// The header is that of a CARv2.
    SecondVersion,
    /// The header announces other roots than what was asked for. Clients have to ignore that.
    OtherRoots,
    /// The body is compressed, to very little.
    GzipBomb,
    /// A page that says sorry, with status 200, as what it is.
    Html,
    /// The same, as what was asked for.
    HtmlInDisguise,
    /// Another content type.
    ContentType(&'static str),
    /// A redirect to wherever.
    Redirect(String),
    /// A redirect to the same path and again.
    RedirectLoop,
}
