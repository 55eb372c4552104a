use std::io::Write;

use cid::Cid;
use serde::Serialize;

use super::MakeError;
use super::simulation::Simulation;

/// Header of a version 1 archive.
#[derive(Serialize)]
struct Header<'a> {
    roots: &'a [Cid],
    version: u64,
}

impl Simulation {
    /// Write every block of the chain, those of forks included, as a version 1 archive whose roots are the head. The same chain gives the
    /// same bytes.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_car(&self, out: &mut impl Write) -> Result<(), MakeError> {
        let head = self.ledger().head();
        let header = Header { roots: &head.key().0, version: 1 };
        let header = fvm_ipld_encoding::to_vec(&header).map_err(MakeError::state)?;
        section(out, &[&header])?;
        for cid in self.ledger().cids() {
            let block = self.ledger().block(&cid).unwrap_or_default();
            section(out, &[&cid.to_bytes(), &block])?;
        }
        out.flush().map_err(MakeError::Write)
    }
}

/// Length as an unsigned varint (LEB128), then the parts.
fn section(out: &mut impl Write, parts: &[&[u8]]) -> Result<(), MakeError> {
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    let mut varint = Vec::new();
    while length >= 0x80 {
        varint.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    varint.push(u8::try_from(length).unwrap_or(0));
    let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(MakeError::Write);
    write(&varint)?;
    parts.iter().try_for_each(|part| write(part))
}
