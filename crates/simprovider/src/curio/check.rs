//! What Curio checks of a deal, in its order and its words: clients read them.

use apogee_market_http::{Ulid, address_text, payload};
use apogee_outbound::{Scheme, Target};
use cid::Cid;
use fvm_shared::address::Address;

use super::Recipe;
use super::document::{Data, Ddo, Document, Products, Retrieval, Url};

const SHORTEST: i64 = 518_400;
const URLS: usize = 10;
const HEADERS: usize = 10;

/// A status, and why.
pub(super) type No = (u16, String);

/// A deal that is in order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) identifier: Ulid,
    pub(super) piece: Cid,
    /// Bytes of the data.
    pub(super) payload: u64,
    /// Where it is fetched, in the order of trying; nothing for what is sent.
    pub(super) urls: Vec<String>,
}

/// Whether the deal that `client` proposes is in order; why not, if it is not.
pub(super) fn check(recipe: &Recipe, client: &Address, deal: &Document) -> Result<Order, No> {
    let identifier =
        deal.identifier.parse().map_err(|_| (400, "ulid: bad data size when unmarshaling".into()))?;
    if deal.client.is_empty() {
        return no(400, "client is empty");
    }
    if deal.client != address_text(client, recipe.network) {
        return no(400, "client in deal does not match client in auth header");
    }
    let checked = products(recipe, &deal.products);
    let (ddo, retrieval) =
        checked.map_err(|(code, why)| (code, format!("products validation failed: {why}")))?;
    let (piece, bytes) = match &deal.data {
        Some(stored) => data(recipe, stored)?,
        None => (Cid::default(), 0),
    };
    let order = sanitize(recipe, client, deal, ddo, retrieval, bytes)?;
    Ok(Order { identifier, piece, payload: bytes, urls: order })
}

fn no<T>(code: u16, why: &str) -> Result<T, No> {
    Err((code, why.into()))
}

fn products<'a>(recipe: &Recipe, products: &'a Products) -> Result<(&'a Ddo, &'a Retrieval), No> {
    let Some(ddo) = &products.ddo_v1 else {
        // Proofs of data possession are not sealed, and not played here.
        return match products.pdp_v1 {
            Some(_) => no(423, "product pdp_v1 is not supported by the provider"),
            None => no(425, "no products defined"),
        };
    };
    enabled(recipe, "ddo_v1")?;
    if ddo.provider.is_empty() {
        return no(425, "provider address is not set");
    }
    if ddo.start_epoch.is_some_and(|start| start <= 0) {
        return no(425, "start epoch cannot be negative");
    }
    if recipe.disabled.iter().any(|miner| is(miner, &ddo.provider)) {
        return no(425, "provider is disabled");
    }
    match ddo.allocation_id {
        Some(0) => return no(425, "incorrect allocation id"),
        None if ddo.duration < SHORTEST => return no(441, "duration must be at least 518400"),
        _ => {}
    }
    if !ddo.market_address.is_empty() && !ddo.market_address.starts_with("0x") {
        return no(425, "market address must start with 0x");
    }
    let Some(retrieval) = &products.retrieval_v1 else {
        return no(425, "retrieval v1 is required for ddo v1");
    };
    if retrieval.announce_piece {
        return no(425, "announce piece is not supported for ddo v1");
    }
    enabled(recipe, "retrieval_v1")?;
    if !retrieval.indexing && retrieval.announce_payload {
        return no(425, "deal cannot be announced to IPNI without indexing");
    }
    if products.pdp_v1.is_some() {
        return no(425, "ddo_v1 and pdp_v1 are mutually exclusive");
    }
    Ok((ddo, retrieval))
}

fn enabled(recipe: &Recipe, product: &str) -> Result<(), No> {
    match recipe.products.iter().find(|(name, _)| *name == product) {
        None => Err((423, format!("product {product} is not supported by the provider"))),
        Some((_, false)) => Err((424, format!("product {product} is not enabled"))),
        Some(_) => Ok(()),
    }
}

/// The piece, and the bytes of its data.
fn data(recipe: &Recipe, data: &Data) -> Result<(Cid, u64), No> {
    let Some(link) = &data.piece_cid else { return no(400, "piece cid is not defined") };
    let cid: Cid = link.cid.parse().map_err(|error| (400, format!("invalid cid: {error}")))?;
    if cid.codec() != 0x55 {
        return no(400, "piece cid is not raw");
    }
    let Some(payload) = payload(&cid) else { return no(400, "invalid piece cid") };
    let sources = [
        data.source_http.is_some(),
        data.source_aggregate.is_some(),
        data.source_offline.is_some(),
        data.source_http_put.is_some(),
    ];
    match sources.iter().filter(|given| **given).count() {
        0 => return no(400, "no source defined for data source"),
        1 => {}
        _ => return no(400, "multiple sources defined for data source"),
    }
    let formats = [data.format.car.is_some(), data.format.aggregate.is_some(), data.format.raw.is_some()];
    match formats.iter().filter(|given| **given).count() {
        0 => return no(400, "no format defined"),
        1 => {}
        _ => return no(400, "multiple formats defined"),
    }
    let names = ["http", "aggregate", "offline", "put"];
    for (name, _) in names.iter().zip(sources).filter(|(_, given)| *given) {
        match recipe.sources.iter().find(|(known, _)| known == name) {
            None => return Err((422, format!("data source {name} is not supported by the provider"))),
            Some((_, false)) => return Err((422, format!("data source {name} is not enabled"))),
            Some(_) => {}
        }
    }
    if let Some(http) = &data.source_http {
        urls(&http.urls)?;
    }
    Ok((cid, payload))
}

fn urls(urls: &[Url]) -> Result<(), No> {
    if urls.is_empty() {
        return no(430, "no urls defined");
    }
    if urls.len() > URLS {
        return Err((430, format!("maximum {URLS} URLs are supported per piece")));
    }
    for url in urls {
        let read = Target::url(&url.url).map_err(|error| (400, format!("invalid url: {error}")))?;
        if !matches!(read.scheme(), Scheme::Http | Scheme::Https) {
            return Err((400, format!("invalid url: unsupported url scheme {:?}", read.scheme().as_str())));
        }
        if url.headers.len() > HEADERS {
            return Err((430, format!("maximum {HEADERS} headers are supported per piece")));
        }
    }
    Ok(())
}

/// What only the provider can tell. What is given is where the data is fetched.
fn sanitize(
    recipe: &Recipe,
    client: &Address,
    deal: &Document,
    ddo: &Ddo,
    retrieval: &Retrieval,
    payload: u64,
) -> Result<Vec<String>, No> {
    if !recipe.miners.iter().any(|miner| is(miner, &ddo.provider)) {
        return no(400, "Provider not available in Curio cluster");
    }
    let Some(data) = &deal.data else { return no(400, "Data Source must be defined for a DDO deal") };
    if padded(payload) > recipe.sector {
        return no(400, "Deal size is larger than the miner's sector size");
    }
    if data.format.raw.is_some() && retrieval.indexing {
        return no(400, "Raw bytes deal cannot be indexed");
    }
    if recipe.allowed.as_ref().is_some_and(|allowed| !allowed.contains(client)) {
        return no(401, "Client is not allowed to make deal with this provider");
    }
    if let Some(start) = ddo.start_epoch {
        if start < recipe.head {
            return no(400, "Start epoch is less than the current chain height");
        }
        if start < recipe.head.saturating_add(recipe.sealing) {
            return no(
                400,
                "Start epoch is less than the current chain height plus the expected PoRep seal duration",
            );
        }
    }
    if !ddo.market_address.is_empty() {
        return match ddo.market_deal_id {
            None => no(425, "market deal id is not set"),
            Some(_) => no(400, "provider does not work with this market"),
        };
    }
    if recipe.pressure {
        return no(429, "MK20 ingestion backpressure is active. Please try again later.");
    }
    let mut urls: Vec<_> = data.source_http.iter().flat_map(|http| &http.urls).collect();
    urls.sort_by_key(|url| url.priority);
    Ok(urls.into_iter().map(|url| url.url.clone()).collect())
}

/// Bytes of a piece with so many bytes of data.
fn padded(payload: u64) -> u64 {
    payload.div_ceil(127).saturating_mul(128).checked_next_power_of_two().unwrap_or(u64::MAX)
}

/// Whether a text is this id address: `f01000` and `t01000` are the same.
fn is(miner: &Address, text: &str) -> bool {
    let id = text.strip_prefix('f').or_else(|| text.strip_prefix('t'));
    id.is_some_and(|id| miner.to_string().get(1..) == Some(id))
}
