//! What Discord is to offer people.

use serde_json::{Value, json};

/// What a string is among the types of options.
const STRING: u8 = 3;

/// Servers, and direct messages with the application.
const CONTEXTS: [u8; 2] = [0, 1];

/// The commands, as `PUT /applications/{application.id}/commands` takes them in place of all that there were.
///
/// Source: Discord, *Application Commands: Bulk Overwrite Global Application Commands*. Names have 1 to 32 letters, descriptions 1 to 100.
#[must_use]
pub fn commands() -> Value {
    json!([
        slash("status", ["How the faucet and the node behind it do", "水龙头及其节点的状况"], None),
        slash(
            "tap",
            ["Ask for test money", "申请测试币"],
            Some(("address", ["Who is to have it", "收款地址"], 150)),
        ),
        slash(
            "balance",
            ["What an account has", "查询账户余额"],
            Some(("address", ["The account's address", "账户地址"], 150)),
        ),
        slash(
            "tx",
            ["What became of a transaction", "查询交易状态"],
            Some(("id", ["The transaction's id", "交易 ID"], 130)),
        ),
        slash(
            "paste",
            ["An address asks for a grant; the id of a transaction looks it up", "粘贴地址即申请，粘贴交易 ID 即查询"],
            Some(("text", ["An address, a transaction's id, or words such as $balance", "地址、交易 ID，或 $balance 等命令"], 300)),
        ),
        slash("help", ["What can be said here", "可用的命令"], None),
        { "name": "Look up", "name_localizations": { "zh-CN": "查询" }, "type": 3, "contexts": CONTEXTS },
    ])
}

fn slash(name: &str, says: [&str; 2], option: Option<(&str, [&str; 2], u16)>) -> Value {
    let [english, chinese] = says;
    let options = option.map(|(name, [english, chinese], longest)| {
        json!({
            "name": name,
            "type": STRING,
            "description": english,
            "description_localizations": { "zh-CN": chinese },
            "required": true,
            "max_length": longest,
        })
    });
    json!({
        "name": name,
        "type": 1,
        "description": english,
        "description_localizations": { "zh-CN": chinese },
        "options": options.into_iter().collect::<Vec<_>>(),
        "contexts": CONTEXTS,
    })
}
