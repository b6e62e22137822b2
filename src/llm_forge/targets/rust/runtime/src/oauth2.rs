//! Tokens from a token endpoint, by client credentials or a refresh token (R-023 to R-030, RFC 6749).
//!
//! - `core/tokens.rs` decides who asks; here one asks, the others wait, and nobody holds a lock meanwhile.
//! - A token request runs beside the calls that wait for it, so that none of them can take it down, and
//!   through the one retry loop, with the client's own transport and time-outs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{json, Value};
use tokio::sync::watch;
use url::form_urlencoded::{byte_serialize, Serializer};

use super::attempt::unary;
use super::auth::clean;
use super::call::{outcome_name, Call};
use super::core::call_context::CallContext;
use super::core::errors::{Error, Facts, Kind, Phase, Result};
use super::core::profile::{AuthScheme, ClientAuth, Operation, Profile};
use super::core::tokens::{read_grant, Ask, Granted, Token, TokenSource};
use super::middleware::Response;
use super::observability::{tell, ClientEvent};
use super::options::{CallOptions, Settings};
use super::request::{user_agent, Prepared, ACCEPT_ENCODING};
use super::request_body::RequestBody;
use super::shared::{locked, Shared};
use super::transport::HttpRequest;

const TOKEN_PROFILE: Profile = Profile { name: "oauth2", ..Profile::DEFAULT };
const TOKEN_OPERATION: Operation =
    Operation { name: "oauth2.token", method: "POST", group: "oauth2", has_body: true, ..Operation::DEFAULT };
const SET_BY_THE_GRANT: [&str; 5] = ["grant_type", "scope", "refresh_token", "client_id", "client_secret"];
const LONGEST_EXPLANATION: usize = 400;

type Refusal = Box<dyn std::error::Error + Send + Sync>;
/// Is given each new refresh token before any call goes on with it.
pub type OnRefreshToken = Arc<dyn Fn(&SecretString) -> std::result::Result<(), Refusal> + Send + Sync>;

/// How to get tokens.
///
/// With `refresh_token` the grant is `refresh_token`, else `client_credentials`. `token_url`, `scopes` and
/// `client_auth` default to those of the description; no other scope is asked for. `parameters` are further fields of
/// the token request, such as an audience. A server may replace the refresh token: `on_refresh_token` is called with
/// each new one, so that the next process can have it.
#[derive(Clone, Default)]
#[allow(missing_docs)] // explained above
pub struct OAuth2 {
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    pub refresh_token: Option<SecretString>,
    pub token_url: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub client_auth: Option<ClientAuth>,
    pub parameters: BTreeMap<String, String>,
    pub on_refresh_token: Option<OnRefreshToken>,
}

impl std::fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OAuth2([redacted])")
    }
}

impl OAuth2 {
    /// The same with what the description says, if it can be used.
    pub(super) fn checked(self, scheme: &AuthScheme) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(Kind::Config, message));
        if let Some(name) = SET_BY_THE_GRANT.iter().find(|name| self.parameters.contains_key(**name)) {
            return refuse(format!("OAuth2.parameters must not contain {name}, which the grant sets"));
        }
        if self.client_id.is_empty() {
            return refuse("OAuth2.client_id must be the id that the provider gave this client".to_owned());
        }
        if self.client_secret.is_none() && self.refresh_token.is_none() {
            return refuse("OAuth2 needs client_secret or refresh_token".to_owned());
        }
        let token_url = self.token_url.or_else(|| scheme.token_url.map(str::to_owned));
        if token_url.is_none() {
            return refuse("OAuth2 needs token_url: the description names none".to_owned());
        }
        let cleaned = |secret: Option<SecretString>, name| secret.map(|one| clean(&one, name)).transpose();
        Ok(Self {
            token_url,
            client_secret: cleaned(self.client_secret, "OAuth2.client_secret")?,
            refresh_token: cleaned(self.refresh_token, "OAuth2.refresh_token")?,
            scopes: self.scopes.or_else(|| Some(scheme.scopes.iter().map(|one| (*one).to_owned()).collect())),
            client_auth: self.client_auth.or(Some(scheme.client_auth)),
            ..self
        })
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> + '_ {
        self.client_secret.iter().chain(&self.refresh_token).cloned()
    }

    fn kind(&self) -> &'static str {
        if self.refresh_token.is_some() {
            "refresh_token"
        } else {
            "client_credentials"
        }
    }

    /// The client's secret as the header `Authorization` carries it, if it does. Id and secret are form-encoded before
    /// they are joined (RFC 6749 section 2.3.1).
    fn basic(&self) -> Option<SecretString> {
        let secret = self.client_secret.as_ref().filter(|_| self.client_auth == Some(ClientAuth::Basic))?;
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(&self.client_id), encoded(secret.expose_secret()));
        Some(base64::engine::general_purpose::STANDARD.encode(pair).into())
    }

    /// The token request with this refresh token.
    fn request(&self, refresh: Option<&SecretString>, basic: Option<&SecretString>) -> HttpRequest {
        let mut fields = self.parameters.clone();
        let mut set = |name: &str, value: &str| fields.insert(name.to_owned(), value.to_owned());
        set("grant_type", self.kind());
        if let Some(refresh) = refresh {
            set("refresh_token", refresh.expose_secret());
        }
        if let Some(scopes) = self.scopes.as_ref().filter(|scopes| !scopes.is_empty()) {
            set("scope", &scopes.join(" "));
        }
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("accept-encoding".to_owned(), ACCEPT_ENCODING.to_owned()),
            ("user-agent".to_owned(), user_agent().to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        if let Some(basic) = basic {
            headers.push(("authorization".to_owned(), format!("Basic {}", basic.expose_secret())));
        } else {
            set("client_id", &self.client_id);
            if let Some(secret) = &self.client_secret {
                set("client_secret", secret.expose_secret());
            }
        }
        let form = Serializer::new(String::new()).extend_pairs(&fields).finish();
        let url = self.token_url.clone().unwrap_or_default();
        HttpRequest { method: "POST", url, headers, body: RequestBody::whole(form) }
    }
}

type Landing = watch::Receiver<Option<Result<Token>>>;

/// The tokens of one client.
pub(super) struct TokenKeeper {
    grant: OAuth2,
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    source: TokenSource,
    landing: Option<Landing>,
    /// One that its owner could not keep; it is the valid one, and is handed over again.
    unsaved: Option<SecretString>,
    endpoint: Option<Arc<Shared>>,
}

impl TokenKeeper {
    pub(super) fn new(grant: OAuth2, settings: Settings) -> Self {
        Self { grant, settings, state: Mutex::default() }
    }

    pub(super) fn secrets(&self) -> Vec<SecretString> {
        locked(&self.state).source.secrets().into_iter().chain(self.grant.secrets()).collect()
    }

    /// Give up a token that a server refused.
    pub(super) fn refuse(&self, token: &Token) {
        locked(&self.state).source.refuse(token);
    }

    /// The token of an attempt whose timer fires at `ends`.
    pub(super) async fn current(self: &Arc<Self>, call: &Call, ends: f64) -> Result<Token> {
        let mut landing = match self.ask(call) {
            Ok(token) => return Ok(token),
            Err(landing) => landing,
        };
        let now = call.now();
        let limit = call.deadline.timer(Some(ends - now), now).unwrap_or(f64::INFINITY);
        tokio::select! {
            biased;
            landed = landing.wait_for(Option::is_some) => {
                let landed = landed.ok().and_then(|landed| landed.clone());
                landed.unwrap_or_else(|| Err(Error::new(Kind::Auth, "The token request was stopped")))
            }
            () = call.shared.clock.timer(limit) => {
                let message = "The token endpoint did not answer before the attempt's time ran out";
                let late = Error::new(Kind::Auth, message).in_phase(Phase::Auth);
                Err(call.or_deadline(late, Phase::Auth))
            }
        }
    }

    /// The current token, or the request to wait for; it was begun if there was none.
    fn ask(self: &Arc<Self>, call: &Call) -> std::result::Result<Token, Landing> {
        let mut state = locked(&self.state);
        match state.source.ask(call.now()) {
            Ask::Use(token) => Ok(token),
            Ask::Join => Err(state.landing.clone().unwrap_or_else(|| watch::channel(None).1)),
            Ask::Begin => {
                let (told, landing) = watch::channel(None);
                state.landing = Some(landing.clone());
                let new = || Arc::new(call.shared.endpoint(TOKEN_PROFILE, self.url()));
                let endpoint = state.endpoint.get_or_insert_with(new).clone();
                let request = TokenRequest { keeper: self.clone(), told, landed: false };
                tokio::spawn(request.run(endpoint, call.shared.clone(), call.context()));
                Err(landing)
            }
        }
    }

    fn url(&self) -> &str {
        self.grant.token_url.as_deref().unwrap_or_default()
    }

    /// A token, and when it was asked for; [`Error::Auth`] whatever went wrong.
    async fn fetch(&self, endpoint: Arc<Shared>) -> Result<(Granted, f64)> {
        let renewed = locked(&self.state).source.refresh.clone();
        let refresh = renewed.or_else(|| self.grant.refresh_token.clone());
        let basic = self.grant.basic();
        let request = self.grant.request(refresh.as_ref(), basic.as_ref());
        let prepared = Prepared::of(request, &Value::Null, &TOKEN_PROFILE);
        let options = CallOptions::default();
        let call = Call::new(endpoint, TOKEN_OPERATION, prepared, self.settings.clone(), options, false);
        call.remember(refresh.iter().chain(&basic).chain(&self.grant.client_secret));
        let call = Arc::new(call);
        let answer = call.unless_cancelled(call.run(|| attempt(call.clone()))).await.map_err(auth_error)?;
        let granted =
            read_grant(answer.value().unwrap_or(&Value::Null), |text, name| clean(&text.into(), name))?;
        self.hand_over(&granted)?;
        Ok((granted, call.attempt_began()))
    }

    /// Gives a new refresh token to its owner before it is used.
    fn hand_over(&self, granted: &Granted) -> Result<()> {
        let Some(owner) = &self.grant.on_refresh_token else { return Ok(()) };
        let unsaved = locked(&self.state).unsaved.clone();
        let Some(fresh) = granted.refresh.clone().or(unsaved) else { return Ok(()) };
        let kept = owner(&fresh);
        let mut state = locked(&self.state);
        state.unsaved = None;
        kept.map_err(|cause| {
            state.source.refresh = Some(fresh.clone());
            state.unsaved = Some(fresh);
            let mut error = Error::new(Kind::Auth, "on_refresh_token failed");
            error.facts_mut().cause = Some(Arc::from(cause));
            error
        })
    }
}

/// A token request under way; whatever becomes of it, those who wait are told.
struct TokenRequest {
    keeper: Arc<TokenKeeper>,
    told: watch::Sender<Option<Result<Token>>>,
    landed: bool,
}

impl TokenRequest {
    async fn run(mut self, endpoint: Arc<Shared>, client: Arc<Shared>, context: CallContext) {
        let began = client.clock.now();
        let fetched = self.keeper.fetch(endpoint).await;
        let outcome = outcome_name(fetched.as_ref().err());
        let result = {
            let mut state = locked(&self.keeper.state);
            match fetched {
                Ok((granted, asked_at)) => Ok(state.source.succeed(granted, asked_at)),
                Err(error) => {
                    state.source.fail();
                    Err(error)
                }
            }
        };
        self.landed = true;
        self.told.send_replace(Some(result));
        let facts = json!({
            "grant": self.keeper.grant.kind(), "outcome": outcome, "duration": client.clock.now() - began,
        });
        let facts = facts.as_object().cloned().unwrap_or_default();
        tell(&client.hooks, &ClientEvent { name: "token-refresh", context: Arc::new(context), facts });
    }
}

impl Drop for TokenRequest {
    fn drop(&mut self) {
        if !self.landed {
            locked(&self.keeper.state).source.fail();
        }
    }
}

/// Ends the call at once where the server says no: only 429 and 5xx are worth another attempt.
async fn attempt(call: Arc<Call>) -> Result<Response> {
    unary(call).await.map_err(|error| {
        let is_final = |status: u16| status != 429 && status < 500;
        if error.is_api() && error.facts().status.is_some_and(is_final) {
            return auth_error(error);
        }
        error
    })
}

fn auth_error(mut error: Error) -> Error {
    if matches!(error, Error::Auth(_) | Error::Cancelled(_) | Error::ClientClosed(_)) {
        return error;
    }
    let told = said_of(&error);
    let (code, sentence) = told.map_or((None, error.to_string()), |(code, text)| {
        let sentence = if text.is_empty() { code.clone() } else { format!("{code}: {text}") };
        (Some(code), sentence)
    });
    let (status, retry_after) = (error.facts().status, error.facts().retry_after);
    error.facts_mut().body = None; // an answer that nobody understood may hold a token
    let facts =
        Facts { message: format!("No token: {sentence}"), status, code, retry_after, ..Facts::default() };
    Error::with_facts(Kind::Auth, facts).caused_by(error)
}

/// The error word and its explanation in an answer of RFC 6749 section 5.2.
fn said_of(error: &Error) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(error.facts().body.as_deref().filter(|_| error.is_api())?).ok()?;
    let word = body["error"].as_str()?;
    let is_word = (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let sentence = body["error_description"].as_str().unwrap_or_default();
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    is_word.then(|| (word.to_owned(), sentence.chars().take(LONGEST_EXPLANATION).collect()))
}
