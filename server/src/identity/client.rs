use std::time::Duration;

use futures::future::BoxFuture;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are read.
const LARGEST: usize = 256 << 10;

/// GitHub refuses whoever does not say what they are.
const USER_AGENT: &str = concat!("apogee/", env!("CARGO_PKG_VERSION"));

/// Asks providers: with time-outs, bounded answers and no redirects, so that no answer makes it ask elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    client: reqwest::Client,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("it did not answer in {} s", PATIENCE.as_secs())]
    Late,
    #[error("its answer has more than {LARGEST} bytes")]
    TooLarge,
    #[error("it cannot be reached")]
    Away(#[source] reqwest::Error),
    #[error("its answer is none")]
    Malformed(#[source] oauth2::http::Error),
}

impl Client {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // An error means that somebody has installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(
            clippy::disallowed_methods,
            reason = "not a node but a provider is asked; time-outs and caps are set here"
        )]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(PATIENCE)
            .build()?;
        Ok(Self { client })
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(|_| NoAnswer::Late)?
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let away = |error: reqwest::Error| {
            if error.is_timeout() { NoAnswer::Late } else { NoAnswer::Away(error.without_url()) }
        };
        let request = reqwest::Request::try_from(request).map_err(away)?;
        let mut answer = self.client.execute(request).await.map_err(away)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if body.len().saturating_add(chunk.len()) > LARGEST {
                return Err(NoAnswer::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Send JSON, with a key where there is one: the status and what was answered.
    pub(crate) async fn post(
        &self,
        address: &str,
        body: &serde_json::Value,
        key: Option<&str>,
    ) -> Result<(u16, Vec<u8>), NoAnswer> {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.ask(address, &headers, Some(body)).await
    }

    /// Ask for a document, or send JSON where there is some: the status and what was answered.
    pub(crate) async fn ask(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        body: Option<&serde_json::Value>,
    ) -> Result<(u16, Vec<u8>), NoAnswer> {
        let mut request = match body {
            Some(_) => oauth2::http::Request::post(address).header("content-type", "application/json"),
            None => oauth2::http::Request::get(address),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let answer = self.send(request.body(body).map_err(NoAnswer::Malformed)?).await?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }

    /// Send a form.
    pub(super) async fn form(&self, address: &str, form: String) -> Result<HttpResponse, NoAnswer> {
        let request = oauth2::http::Request::post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form.into_bytes());
        self.send(request.map_err(NoAnswer::Malformed)?).await
    }

    /// Ask for a document.
    pub(super) async fn get(
        &self,
        address: &str,
        headers: &[(&str, &str)],
    ) -> Result<HttpResponse, NoAnswer> {
        let mut request = oauth2::http::Request::get(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Vec::new()).map_err(NoAnswer::Malformed)?).await
    }
}

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = NoAnswer;
    type Future = BoxFuture<'c, Result<HttpResponse, NoAnswer>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
