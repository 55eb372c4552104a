use std::time::Duration;

use apogee_spacemesh::address::Prefix;
use serde_json::{Map, Value};

use crate::endpoint::Endpoint;
use crate::error::{Fault, GatewayError};
use crate::http::Http;
use crate::page::MOST;
use crate::request::{Method, Request};

/// How a gateway is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `POST /spacemesh.v2alpha1.<Service>/<Method>` with a body. Nodes before 1.8.
    V2Alpha1,
    /// `GET /spacemesh.v2beta1.<Service>/<Method>?…` for what reads, POST for what takes bytes. Nodes from 1.8 on.
    V2Beta1,
}

/// What questions and answers are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the connection to stand.
    pub connect_timeout: Duration,
    /// For one request, body included.
    pub timeout: Duration,
    /// For all the pages of a list.
    pub list_timeout: Duration,
    /// Bytes of an answer.
    pub body: usize,
    /// Rows that a page is asked for: 1 to 100.
    pub page: usize,
    /// Pages of a list.
    pub pages: usize,
    /// Rows of a list.
    pub rows: usize,
}

impl Default for Limits {
    /// 5 s to connect, 30 s and 4 MiB for a request; 5 minutes, 1,000 pages of 100 rows and 100,000 rows for a list.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            list_timeout: Duration::from_secs(300),
            body: 4 << 20,
            page: MOST,
            pages: 1_000,
            rows: 100_000,
        }
    }
}

/// One node's gateway. What it tells is believed for its form and for nothing else.
#[derive(Clone, Debug)]
pub struct Gateway {
    http: Http,
    endpoint: Endpoint,
    dialect: Dialect,
    pub(crate) prefix: Prefix,
    pub(crate) limits: Limits,
}

impl Gateway {
    /// The gateway at `endpoint`, of a network with addresses of this prefix. Nothing is sent yet.
    ///
    /// # Errors
    /// When the system's TLS set-up cannot be used.
    pub fn new(
        endpoint: Endpoint,
        dialect: Dialect,
        prefix: Prefix,
        limits: Limits,
    ) -> Result<Self, GatewayError> {
        match Http::new(&limits) {
            Ok(http) => Ok(Self { http, endpoint, dialect, prefix, limits }),
            Err(error) => Err(GatewayError {
                endpoint: endpoint.name().to_owned(),
                method: "(set-up)",
                fault: Fault::Transport(error.into()),
            }),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How it is asked.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Ask once.
    pub(crate) async fn ask(&self, method: Method, request: &Request) -> Result<Map<String, Value>, Fault> {
        let version = match self.dialect {
            Dialect::V2Alpha1 => "v2alpha1",
            Dialect::V2Beta1 => "v2beta1",
        };
        let mut url = self.endpoint.below(&format!("spacemesh.{version}.{}", method.name));
        let body = if method.posted || self.dialect == Dialect::V2Alpha1 {
            Some(request.json())
        } else {
            request.query(&mut url);
            None
        };
        self.http.ask(url, body).await
    }

    pub(crate) fn error(&self, method: Method, fault: Fault) -> GatewayError {
        GatewayError { endpoint: self.endpoint.name().to_owned(), method: method.name, fault }
    }
}
