//! What would be paid, for people to look at before anything is.

use apogee_store::Reimbursable;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    message: &'a str,
    epoch: i64,
    miner: &'a str,
    owner: &'a str,
    sender: &'a str,
    method: u64,
    sectors: usize,
    gas_used: u64,
    base_fee: String,
    burn: String,
    refund: String,
    state: &'static str,
    reason: &'a str,
    payment: Option<&'a str>,
}

fn line(row: &Reimbursable) -> Line<'_> {
    Line {
        message: &row.message,
        epoch: row.epoch.height(),
        miner: &row.miner,
        owner: &row.owner,
        sender: &row.sender,
        method: row.method,
        sectors: row.sectors.len(),
        gas_used: row.gas_used,
        base_fee: row.base_fee.to_string(),
        burn: row.burn.to_string(),
        refund: row.refund.to_string(),
        state: row.state.as_str(),
        reason: &row.reason,
        payment: row.payment.as_deref(),
    }
}

/// As JSON: an array with an object for each message. Amounts are attoFIL as text.
#[must_use]
pub fn json(rows: &[Reimbursable]) -> String {
    let lines: Vec<_> = rows.iter().map(line).collect();
    serde_json::to_string_pretty(&lines).unwrap_or_default()
}

/// As CSV (RFC 4180), with a line of names first. No field holds a comma, a quotation mark or a line's end: they are CIDs, ids, numbers and words of ours.
#[must_use]
pub fn csv(rows: &[Reimbursable]) -> String {
    let mut text = "message,epoch,miner,owner,sender,method,sectors,gas_used,base_fee,burn,refund,state,reason,payment\r\n"
        .to_owned();
    for line in rows.iter().map(line) {
        let fields = [
            line.message.to_owned(),
            line.epoch.to_string(),
            line.miner.to_owned(),
            line.owner.to_owned(),
            line.sender.to_owned(),
            line.method.to_string(),
            line.sectors.to_string(),
            line.gas_used.to_string(),
            line.base_fee,
            line.burn,
            line.refund,
            line.state.to_owned(),
            line.reason.to_owned(),
            line.payment.unwrap_or_default().to_owned(),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}
