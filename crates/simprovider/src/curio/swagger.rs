use serde_json::{Value, json};

/// What the market says of itself, in short.
pub(super) fn document() -> Value {
    let operation = |summary: &str| json!({ "summary": summary, "security": [{ "CurioAuth": [] }] });
    json!({
        "swagger": "2.0",
        "info": { "title": "Curio Market 2.0 API", "version": "1.0.0" },
        "basePath": "/market/mk20",
        "paths": {
            "/deal": { "post": operation("Make a mk20 deal") },
            "/status/{id}": { "get": operation("Status of the MK20 deal") },
            "/products": { "get": operation("List of supported products") },
            "/sources": { "get": operation("List of supported data sources") },
            "/contracts": { "get": operation("List of supported DDO contracts") },
        },
        "securityDefinitions": { "CurioAuth": { "type": "apiKey", "name": "Authorization", "in": "header" } },
    })
}
