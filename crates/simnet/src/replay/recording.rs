use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apogee_filecoin::car::{CarError, CarStore, Limits, unpack};
use apogee_filecoin::source::{CarSource, SourceError};
use apogee_filecoin::types::{BlockMessages, Tipset, TipsetKey, json};
use cid::Cid;
use fvm_shared::address::Network;
use serde::Deserialize;
use serde_json::Value;

use super::certificates::Certificates;
use super::script::Script;
use super::table::Table;
use crate::answer::Refusal;
use crate::ledger::Ledger;

/// Why a folder is no recording.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        cause: CarError,
    },
    /// The archives hold no whole chain.
    #[error("the recording holds no whole chain")]
    Chain(#[from] SourceError),
    /// A line is not what it has to be.
    #[error("{path}, line {line}: {detail}")]
    Line {
        /// Of which file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// A recording of nodes in a folder: `chain.car.zst` and, where they are there, `fork-n1.car.zst`, `epochs.jsonl.zst`,
/// `sweep.jsonl.zst`, `f3certs.jsonl.zst`, `notify-NAME.jsonl.zst` (`examples/devnet-a/README.md` describes them).
pub struct Recording {
    folder: PathBuf,
    limits: Limits,
    archives: Vec<Arc<CarStore>>,
    /// The chain of the first archive's head, oldest first.
    tipsets: Vec<Tipset>,
    /// What is in no archive: tipsets of answers, forks.
    others: Vec<Tipset>,
    /// Messages of orphaned blocks.
    messages: Vec<(Cid, Vec<u8>)>,
    table: Table,
    certificates: Certificates,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({}, {} tipsets)", self.folder.display(), self.tipsets.len())
    }
}

/// A recorded request and its answer, as they went over the wire. Lines of another form are remarks of the recorder.
#[derive(Deserialize)]
struct Exchange {
    req: String,
    resp: String,
}

#[derive(Deserialize)]
struct Call {
    id: Value,
    method: String,
    #[serde(default)]
    params: Vec<Value>,
}

#[derive(Deserialize)]
struct Heard {
    dir: String,
    frame: String,
}

impl Recording {
    /// Load the recording in `folder`.
    ///
    /// # Errors
    /// When the chain is absent or cut, or a file that is there is not what it has to be.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Arc<Self>, OpenError> {
        let mut archives = vec![archive(&folder.join("chain.car.zst"), limits)?];
        let fork = folder.join("fork-n1.car.zst");
        if fork.exists() {
            archives.push(archive(&fork, limits)?);
        }
        let source = CarSource::new(&folder.display().to_string(), archives.clone())?;
        let tipsets = source.chain().cloned().collect();
        let mut others = Vec::new();
        for head in source.heads().iter().skip(1) {
            others.extend(source.clone().with_head(head)?.chain().cloned());
        }
        let mut recording = Self {
            folder: folder.to_owned(),
            limits: *limits,
            archives,
            tipsets,
            others,
            messages: vec![],
            table: Table::default(),
            certificates: Certificates::default(),
        };
        for name in ["epochs.jsonl.zst", "sweep.jsonl.zst", "f3certs.jsonl.zst"] {
            recording.lines(name, Self::exchange)?;
        }
        Ok(Arc::new(recording))
    }

    /// Feed the lines of a file, if it is there, to `take`.
    fn lines(
        &mut self,
        name: &str,
        mut take: impl FnMut(&mut Self, &[u8]) -> Result<(), String>,
    ) -> Result<(), OpenError> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(());
        }
        let bytes = read(&path, &self.limits)?;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if !line.is_empty() {
                take(self, line).map_err(|detail| OpenError::Line {
                    path: path.clone(),
                    line: index + 1,
                    detail,
                })?;
            }
        }
        Ok(())
    }

    fn exchange(&mut self, line: &[u8]) -> Result<(), String> {
        let Ok(exchange) = serde_json::from_slice::<Exchange>(line) else { return Ok(()) };
        let Ok(call) = serde_json::from_str::<Call>(&exchange.req) else { return Ok(()) };
        let prefix = format!("{{\"id\":{},\"jsonrpc\":\"2.0\",\"result\":", call.id);
        let result = exchange.resp.trim_end().strip_prefix(&prefix).and_then(|text| text.strip_suffix('}'));
        let Some(result) = result else {
            let error = serde_json::from_str::<Value>(&exchange.resp).unwrap_or_default();
            let code = error.pointer("/error/code").and_then(Value::as_i64).ok_or("no answer")?;
            let message = error.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
            let refusal = Refusal { code, message: message.to_owned() };
            self.table.add(&call.method, &call.params, Err(refusal));
            return Ok(());
        };
        let said = |error: serde_json::Error| error.to_string();
        let wrong = |error: json::InvalidJson| error.to_string();
        match call.method.as_str() {
            "Filecoin.F3GetCertificate" => return self.certificates.add(result),
            "Filecoin.ChainGetTipSet" => {
                let tipset: json::Tipset = serde_json::from_str(result).map_err(said)?;
                self.others.push(tipset.try_into().map_err(wrong)?);
            }
            "Filecoin.ChainGetBlockMessages" => {
                let messages: json::BlockMessages = serde_json::from_str(result).map_err(said)?;
                self.messages.extend(BlockMessages::try_from(messages).map_err(wrong)?.to_blocks().1);
            }
            _ => {}
        }
        self.table.add(&call.method, &call.params, Ok(result));
        Ok(())
    }

    /// The frames that `node` sent.
    pub(super) fn script(&self, node: &str) -> Result<Script, OpenError> {
        let path = self.folder.join(format!("notify-{node}.jsonl.zst"));
        let bytes = read(&path, &self.limits)?;
        let mut script = Script::default();
        for (index, line) in
            bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
        {
            let heard: Result<Heard, _> = serde_json::from_slice(line);
            let heard = heard.map_err(|error| error.to_string());
            heard
                .and_then(|heard| if heard.dir == "in" { script.hear(&heard.frame) } else { Ok(()) })
                .map_err(|detail| OpenError::Line { path: path.clone(), line: index + 1, detail })?;
        }
        // Nodes lived on after the chain was exported: of what came then only the headers are known.
        Ok(match self.tipsets.last() {
            Some(last) => script.until(last.epoch()),
            None => script,
        })
    }

    /// A ledger of everything, with its head at genesis.
    pub(super) fn ledger(&self) -> Ledger {
        // A chain without a tipset is refused on opening; were it not, there would be nothing to serve.
        let genesis = self.genesis();
        let ledger = Ledger::new(Network::Testnet, genesis.clone(), self.archives.clone());
        for tipset in self.tipsets.iter().chain(&self.others) {
            ledger.add(tipset);
        }
        for (cid, bytes) in &self.messages {
            ledger.put(*cid, bytes.clone());
        }
        ledger
    }

    #[expect(clippy::indexing_slicing, reason = "`CarSource::new` refuses archives without a chain")]
    fn genesis(&self) -> &Tipset {
        &self.tipsets[0]
    }

    /// The recorded chain, oldest first.
    #[must_use]
    pub fn tipsets(&self) -> &[Tipset] {
        &self.tipsets
    }

    /// The head of the recorded chain.
    #[must_use]
    pub fn head(&self) -> TipsetKey {
        self.tipsets.last().map(|tipset| tipset.key().clone()).unwrap_or_default()
    }

    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    pub(super) const fn certificates(&self) -> &Certificates {
        &self.certificates
    }
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, OpenError> {
    let failed = |cause| OpenError::File { path: path.to_owned(), cause };
    let file = File::open(path).map_err(|cause| failed(CarError::Read { offset: 0, cause }))?;
    unpack(file, limits).map_err(failed)
}

fn archive(path: &Path, limits: &Limits) -> Result<Arc<CarStore>, OpenError> {
    let store = CarStore::open(path, limits);
    store.map(Arc::new).map_err(|cause| OpenError::File { path: path.to_owned(), cause })
}
