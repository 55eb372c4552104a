use std::fmt::Write as _;

use super::{PaymentList, fil};

/// The list as a table for people and spreadsheets (RFC 4180): entity, name, addresses, threshold, attoFIL, FIL.
#[must_use]
pub fn plain_csv(list: &PaymentList) -> String {
    let mut table = String::from("entity,name,addresses,threshold,atto,fil\r\n");
    for payment in list.payments() {
        let addresses: Vec<String> = payment.addresses.iter().map(ToString::to_string).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            table,
            "{},{},{},{},{},{}\r\n",
            payment.entity,
            field(&payment.name),
            addresses.join(" "),
            payment.threshold,
            payment.amount,
            fil(payment.amount)
        );
    }
    table
}

/// A text that a spreadsheet shows and does not run: what could begin a formula gets an apostrophe before it, and quotes are doubled.
fn field(text: &str) -> String {
    let formula = |c: char| {
        matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠')
    };
    // A program may drop spaces before it looks.
    let begins = text.trim_start_matches([' ', '"', '\'']).starts_with(formula);
    let guard = if begins { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_whatever_it_looks_like() {
        for (name, shown) in [
            ("Miner, Inc.", "\"Miner, Inc.\""),
            ("the \"best\"\r\n=1+1", "\"the \"\"best\"\"\r\n=1+1\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            (" +1", "\"' +1\""),
            ("\"=1", "\"'\"\"=1\""),
            ("@sum", "\"'@sum\""),
            ("-1", "\"'-1\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("", "\"\""),
        ] {
            assert_eq!(field(name), shown);
        }
    }
}
