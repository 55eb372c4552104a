use apogee_domain::Epoch;
use cid::Cid;
use serde::Deserialize;

use super::super::client::{Client, Size};
use super::super::error::{Fault, RpcError};
use super::{key, key_or_head};
use crate::car::verify_block;
use crate::source::ChainPath;
use crate::types::json::{self, Bytes, Link};
use crate::types::{BlockMessages, Tipset, TipsetKey};

/// A step of the head.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HeadChange {
    r#type: Kind,
    val: json::Tipset,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Revert,
    Apply,
}

impl Client {
    async fn one_tipset<P: serde::Serialize + Clone>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<Tipset, RpcError> {
        let answer: json::Tipset = self.read(method, params, Size::Ordinary).await?;
        self.checked(method, answer)
    }

    /// `ChainHead`.
    ///
    /// # Errors
    /// See [`Fault`]; an answer whose blocks do not reproduce its CIDs is malformed. So it is with every method here.
    pub async fn chain_head(&self) -> Result<Tipset, RpcError> {
        self.one_tipset("ChainHead", [(); 0]).await
    }

    /// `ChainGetGenesis`.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn chain_genesis(&self) -> Result<Tipset, RpcError> {
        let method = "ChainGetGenesis";
        let tipset = self.one_tipset(method, [(); 0]).await?;
        if tipset.first().is_genesis() {
            Ok(tipset)
        } else {
            Err(self.error(method, Fault::Malformed(format!("{tipset:?} is no genesis"))))
        }
    }

    /// `ChainGetFinalizedTipSet`: what the node takes as final.
    ///
    /// # Errors
    /// See [`Fault`]; below epoch 900 and without a certificate, Lotus refuses.
    pub async fn chain_finalized(&self) -> Result<Tipset, RpcError> {
        self.one_tipset("ChainGetFinalizedTipSet", [(); 0]).await
    }

    /// `ChainGetTipSet`.
    ///
    /// # Errors
    /// See [`Fault`]; another tipset than the one asked for is malformed.
    pub async fn chain_tipset(&self, of: &TipsetKey) -> Result<Tipset, RpcError> {
        let method = "ChainGetTipSet";
        let tipset = self.one_tipset(method, [key(of)]).await?;
        if tipset.key() == of {
            Ok(tipset)
        } else {
            Err(self.error(method, Fault::Malformed(format!("{tipset:?} instead of {of}"))))
        }
    }

    /// `ChainGetTipSetByHeight`: the tipset at `epoch`, or in a null round the one before it, on the chain of `head`.
    ///
    /// That it is on that chain is the node's word: check it by parent links.
    ///
    /// # Errors
    /// See [`Fault`]; a later tipset is malformed.
    pub async fn chain_tipset_at(&self, epoch: Epoch, head: Option<&TipsetKey>) -> Result<Tipset, RpcError> {
        let method = "ChainGetTipSetByHeight";
        let tipset = self.one_tipset(method, (epoch.height(), key_or_head(head))).await?;
        if tipset.epoch() <= epoch {
            Ok(tipset)
        } else {
            Err(self.error(method, Fault::Malformed(format!("{tipset:?} for epoch {epoch}"))))
        }
    }

    /// `ChainGetPath`: reverts, then applies, without a gap.
    ///
    /// # Errors
    /// See [`Fault`]; a path that does not lead from `from` to `to` by parent links is malformed.
    pub async fn chain_path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, RpcError> {
        let method = "ChainGetPath";
        let answer: Option<Vec<HeadChange>> = self.read(method, (key(from), key(to)), Size::Large).await?;
        let mut path = ChainPath::default();
        for change in answer.unwrap_or_default() {
            let tipset: Tipset = self.checked(method, change.val)?;
            match change.r#type {
                Kind::Revert if path.apply.is_empty() => path.revert.push(tipset),
                Kind::Apply => path.apply.push(tipset),
                Kind::Revert => {
                    return Err(self.error(method, Fault::Malformed("a revert after an apply".into())));
                }
            }
        }
        match path.break_in(from, to) {
            None => Ok(path),
            Some(detail) => Err(self.error(method, Fault::Malformed(detail))),
        }
    }

    /// `ChainGetBlockMessages`. That these are the block's messages is the node's word: compare their root with the header's.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn chain_block_messages(&self, block: &Cid) -> Result<BlockMessages, RpcError> {
        let method = "ChainGetBlockMessages";
        let answer: json::BlockMessages = self.read(method, [Link(*block)], Size::Ordinary).await?;
        self.checked(method, answer)
    }

    /// `ChainReadObj`: the bytes of a block, which hash to its CID.
    ///
    /// # Errors
    /// See [`Fault`]; other bytes are malformed.
    pub async fn chain_read_obj(&self, cid: &Cid) -> Result<Vec<u8>, RpcError> {
        let method = "ChainReadObj";
        let Bytes(bytes) = self.read(method, [Link(*cid)], Size::Ordinary).await?;
        if verify_block(cid, &bytes) == Ok(true) {
            Ok(bytes)
        } else {
            Err(self.error(method, Fault::Malformed(format!("bytes that are not those of {cid}"))))
        }
    }

    /// `ChainHasObj`.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn chain_has_obj(&self, cid: &Cid) -> Result<bool, RpcError> {
        self.read("ChainHasObj", [Link(*cid)], Size::Ordinary).await
    }
}
