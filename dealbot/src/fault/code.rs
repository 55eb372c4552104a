//! What may be seen, and the table of whose fault it is.

use serde::{Deserialize, Serialize};

use super::{Circumstances, Fault, Rule, Stage};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $code:ident = $name:literal, $stage:ident, $rule:expr;)*) => {
        /// Why a probe did not go well, or why a slot does not count. What success is has no code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $doc])* #[serde(rename = $name)] $code,)*
        }

        impl Code {
            /// Every one, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The name that it is stored and published under. It never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// Where it arises.
            #[must_use]
            pub const fn stage(self) -> Stage {
                match self { $(Self::$code => Stage::$stage,)* }
            }

            /// What its fault depends on.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self { $(Self::$code => $rule,)* }
            }
        }
    };
}

codes! {
    /// The chain has no peer id for the miner.
    MinerNoPeerId = "MINER_NO_PEER_ID", Resolve, Rule::NodeSynced;
    /// The chain has no addresses for the miner.
    NoAddrs = "NO_ADDRS", Resolve, Rule::NodeSynced;
    /// None of its addresses can be read.
    AddrUnparseable = "ADDR_UNPARSEABLE", Resolve, Rule::NodeSynced;
    /// None of its addresses can be reached from outside.
    AddrPrivate = "ADDR_PRIVATE", Resolve, Rule::NodeSynced;
    /// The node does not answer.
    RpcUnavailable = "RPC_UNAVAILABLE", Resolve, Rule::Always(Fault::Bot);
    /// The node takes too long.
    RpcTimeout = "RPC_TIMEOUT", Resolve, Rule::Always(Fault::Bot);
    /// The node's head is more than five epochs old.
    NodeNotSynced = "NODE_NOT_SYNCED", Resolve, Rule::Always(Fault::Bot);

    /// There is no such name.
    DnsNxdomain = "DNS_NXDOMAIN", L4, Rule::ResolversAgree;
    /// The name server failed.
    DnsServfail = "DNS_SERVFAIL", L4, Rule::Always(Fault::Ambiguous);
    /// The name server took too long.
    DnsTimeout = "DNS_TIMEOUT", L4, Rule::Always(Fault::Ambiguous);
    /// The port is closed: said by a connection of our own.
    TcpRefused = "TCP_REFUSED", L4, Rule::Always(Fault::Ambiguous);
    /// Nothing answers there.
    TcpTimeout = "TCP_TIMEOUT", L4, Rule::Always(Fault::Ambiguous);
    /// The connection was cut.
    TcpReset = "TCP_RESET", L4, Rule::Always(Fault::Ambiguous);
    /// No way leads there.
    NoRoute = "NO_ROUTE", L4, Rule::Always(Fault::Ambiguous);
    /// The bot has no file descriptor left.
    LocalFdExhausted = "LOCAL_FD_EXHAUSTED", L4, Rule::Always(Fault::Bot);
    /// The bot reaches nobody.
    LocalNetDown = "LOCAL_NET_DOWN", L4, Rule::Always(Fault::Bot);
    /// The bot did not even dial: it had failed a moment before.
    LocalBackoff = "LOCAL_BACKOFF", L4, Rule::Always(Fault::Bot);

    /// Somebody else answers.
    PeerIdMismatch = "PEER_ID_MISMATCH", Handshake, Rule::Always(Fault::Miner);
    /// The certificate is expired, for another name, or by nobody known.
    TlsCertInvalid = "TLS_CERT_INVALID", Handshake, Rule::Always(Fault::Miner);
    /// The handshake broke off.
    NoiseFail = "NOISE_FAIL", Handshake, Rule::Always(Fault::Miner);
    /// It does not speak what deals are made in.
    ProtocolUnsupported = "PROTOCOL_UNSUPPORTED", Handshake, Rule::ProtocolRequired;

    /// The stream was cut before an answer.
    AskStreamReset = "ASK_STREAM_RESET", Ask, Rule::Always(Fault::Ambiguous);
    /// The answer took too long.
    AskTimeout = "ASK_TIMEOUT", Ask, Rule::Always(Fault::Ambiguous);
    /// It asks more than is paid.
    AskPriceOverCap = "ASK_PRICE_OVER_CAP", Ask, Rule::CapPublished;
    /// It takes no pieces of the sizes that are stored.
    PieceSizeOutOfRange = "PIECE_SIZE_OUT_OF_RANGE", Ask, Rule::CapPublished;

    /// Something broke inside it.
    RejectServerError = "REJECT_SERVER_ERROR", Propose, Rule::Always(Fault::Miner);
    /// It has too much to do.
    RejectBackpressure = "REJECT_BACKPRESSURE", Propose, Rule::RateKeptAndRetried;
    /// It takes no more deals for now.
    RejectRateLimit = "REJECT_RATE_LIMIT", Propose, Rule::RateKeptAndRetried;
    /// Its filter does not let the bots in.
    RejectFilter = "REJECT_FILTER", Propose, Rule::BotsPublished;
    /// The offer was not a good one.
    RejectParams = "REJECT_PARAMS", Propose, Rule::Always(Fault::Bot);
    /// The bot's wallet could not pay.
    RejectClientFunds = "REJECT_CLIENT_FUNDS", Propose, Rule::Always(Fault::Bot);
    /// It says that it is being worked on.
    RejectMaintenance = "REJECT_MAINTENANCE", Propose, Rule::Always(Fault::Policy);

    /// Nobody could fetch from our file server.
    BotServerUnreachable = "BOT_SERVER_UNREACHABLE", Transfer, Rule::Always(Fault::Bot);
    /// It never asked for the data.
    SpNeverFetched = "SP_NEVER_FETCHED", Transfer, Rule::FileServerGood;
    /// It did not fetch all of the data.
    SpFetchAborted = "SP_FETCH_ABORTED", Transfer, Rule::FileServerGood;
    /// It says that the data is not what was offered.
    CommpMismatchReported = "COMMP_MISMATCH_REPORTED", Transfer, Rule::BytesGood;

    /// The deal did not come on chain in time.
    NotPublishedByDeadline = "NOT_PUBLISHED_BY_DEADLINE", Publish, Rule::ChainMoving;
    /// The deal's sector was not proved in time.
    NotActiveByStartEpoch = "NOT_ACTIVE_BY_START_EPOCH", Publish, Rule::ChainMoving;
    /// The deal was ended by a fault.
    DealSlashed = "DEAL_SLASHED", Publish, Rule::ChainMoving;
    /// The chain stood still.
    ChainStall = "CHAIN_STALL", Publish, Rule::Always(Fault::Chain);
    /// Messages cost too much for everybody.
    BasefeeSpike = "BASEFEE_SPIKE", Publish, Rule::Always(Fault::Chain);
    /// The network began anew.
    ChainReset = "CHAIN_RESET", Publish, Rule::Always(Fault::Chain);

    /// The indexer failed.
    Ipni5xx = "IPNI_5XX", Discover, Rule::Always(Fault::Bot);
    /// The indexer took too long.
    IpniTimeout = "IPNI_TIMEOUT", Discover, Rule::Always(Fault::Bot);
    /// The indexer does not know the data.
    IpniNoRecord = "IPNI_NO_RECORD", Discover, Rule::IpniRequired;

    /// It does not have the data.
    Http404 = "HTTP_404", Http, Rule::Always(Fault::Miner);
    /// It does not have the data any more.
    Http410 = "HTTP_410", Http, Rule::Always(Fault::Miner);
    /// Something broke inside it.
    Http5xx = "HTTP_5XX", Http, Rule::Always(Fault::Miner);
    /// It does not give the data away.
    Http403 = "HTTP_403", Http, Rule::Always(Fault::Miner);
    /// It refuses a request that is in order, with any other status of that kind.
    Http4xx = "HTTP_4XX", Http, Rule::Always(Fault::Miner);
    /// It sends elsewhere.
    RedirectOffsite = "REDIRECT_OFFSITE", Http, Rule::Always(Fault::Miner);
    /// It answers with something else.
    WrongContentType = "WRONG_CONTENT_TYPE", Http, Rule::Always(Fault::Miner);
    /// It was asked too often, it says.
    Http429 = "HTTP_429", Http, Rule::RateKept;
    /// The first byte took too long.
    TtfbTimeout = "TTFB_TIMEOUT", Http, Rule::Always(Fault::Ambiguous);
    /// No more bytes came.
    Stalled = "STALLED", Http, Rule::Always(Fault::Ambiguous);
    /// All bytes together took too long.
    TotalTimeout = "TOTAL_TIMEOUT", Http, Rule::Always(Fault::Ambiguous);
    /// It does not stop sending.
    BodyTooLarge = "BODY_TOO_LARGE", Http, Rule::Always(Fault::Miner);

    /// A block is not the one that was asked for.
    HashMismatch = "HASH_MISMATCH", Verify, Rule::Always(Fault::Miner);
    /// A block came that nobody asked for.
    UnexpectedBlock = "UNEXPECTED_BLOCK", Verify, Rule::Always(Fault::Miner);
    /// Blocks are missing.
    CarIncomplete = "CAR_INCOMPLETE", Verify, Rule::Always(Fault::Miner);
    /// The archive cannot be read.
    CarMalformed = "CAR_MALFORMED", Verify, Rule::Always(Fault::Miner);
    /// More came after the last block.
    ExtraBlocks = "EXTRA_BLOCKS", Verify, Rule::Always(Fault::Miner);
    /// The piece has another commitment.
    CommpMismatch = "COMMP_MISMATCH", Verify, Rule::Always(Fault::Miner);
    /// The bytes are not those that were stored.
    BytesDiffer = "BYTES_DIFFER", Verify, Rule::Always(Fault::Miner);
    /// The bot does not know the hash.
    UnsupportedHash = "UNSUPPORTED_HASH", Verify, Rule::Always(Fault::Bot);
    /// The bot does not know the codec.
    UnsupportedCodec = "UNSUPPORTED_CODEC", Verify, Rule::Always(Fault::Bot);
    /// The bot does not know what it should have got.
    ExpectedDataMissing = "EXPECTED_DATA_MISSING", Verify, Rule::Always(Fault::Bot);

    /// The bot was not heard of again.
    WorkerLost = "WORKER_LOST", Any, Rule::Always(Fault::Bot);
    /// The bot answered when it was too late.
    LeaseExpired = "LEASE_EXPIRED", Any, Rule::Always(Fault::Bot);
    /// The bot was told to stop.
    Cancelled = "CANCELLED", Any, Rule::Always(Fault::Bot);
    /// The bot broke.
    BotPanic = "BOT_PANIC", Any, Rule::Always(Fault::Bot);
    /// The bot's disk is full.
    DiskFull = "DISK_FULL", Any, Rule::Always(Fault::Bot);
    /// The bot's clock is wrong.
    ClockSkew = "CLOCK_SKEW", Any, Rule::Always(Fault::Bot);
    /// The bot's wallet is empty.
    WalletEmpty = "WALLET_EMPTY", Any, Rule::Always(Fault::Bot);
    /// The bot failed as well where nothing was wrong, or did not look.
    CanaryFailed = "CANARY_FAILED", Any, Rule::Always(Fault::Bot);
    /// The miner had said that it would be worked on.
    MinerMaintenance = "MINER_MAINTENANCE", Any, Rule::Always(Fault::Policy);
    /// The competition was paused.
    CompetitionPaused = "COMPETITION_PAUSED", Any, Rule::Always(Fault::Policy);
    /// The error is of no known kind. Somebody should look: too many of these, and there is no verdict.
    Unclassified = "UNCLASSIFIED", Any, Rule::Always(Fault::Bot);
    /// No bot was there to probe.
    MissedNoWorker = "MISSED_NO_WORKER", Any, Rule::Always(Fault::Bot);
    /// One bot found many miners broken that other bots found in order.
    FleetCorrelated = "FLEET_CORRELATED", Any, Rule::Always(Fault::Bot);
    /// It could have been either, and there was no time to look often enough.
    Unconfirmed = "UNCONFIRMED", Any, Rule::Always(Fault::Bot);
}

impl Code {
    /// The code of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Whose fault it is under these circumstances.
    #[must_use]
    pub const fn fault(self, circumstances: &Circumstances) -> Fault {
        self.rule().decide(circumstances)
    }

    /// Whether it counts by a rule of the competition though nothing is broken: such failures are shown separately.
    #[must_use]
    pub const fn by_rule(self) -> bool {
        matches!(self.rule(), Rule::CapPublished)
    }

    /// What its explanation is found under in catalogues of texts: `probe-code-tcp-refused`.
    #[must_use]
    pub fn key(self) -> String {
        format!("probe-code-{}", self.as_str().to_ascii_lowercase().replace('_', "-"))
    }
}
