//! Options from files, and the way through a proxy.

mod script;

use llm_forge_runtime::{CallOptions, Client, Error, Params, Timeout};
use script::{ACME, CHAT};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A file in a folder of its own, which goes with it.
struct Configured(std::path::PathBuf);

impl Configured {
    fn new(text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("forge-config-{}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("key.txt"), "sk-from-a-file\n").unwrap();
        std::fs::write(folder.join("forge.yaml"), text).unwrap();
        Self(folder)
    }

    fn build(&self) -> Result<Client, Error> {
        Client::builder(ACME).config(self.0.join("forge.yaml")).build()
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_file_gives_what_no_argument_gives() {
    let file = Configured::new(
        "models: {a: b}\nproviders:\n  acme:\n    api_key: file:key.txt\n    base_url: 'http://127.0.0.1:9'\n    \
         timeout: 30\n    retry: {max_attempts: 7, max_wait: 3}\n    rate_limit:\n      requests_per_minute: 60\n    \
         headers: {x-team: a}\n    breaker: {enabled: false}\n    trusted_origins:\n    - \"https://files.acme.test\"\n",
    );
    assert_eq!(format!("{:?}", file.build().unwrap()), "Client(acme at http://127.0.0.1:9)");
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_line_and_without_its_value() {
    let cases = [
        ("    api_key: sk-a-secret\n", ":3:", "api_key"),
        ("    api_key: [sk-a-secret]\n", ":3:", "api_key"),
        ("    api_key: file:key.txt\n    max_retry: 3\n", ":4:", "max_attempts"),
        ("    api_key: &a file:key.txt\n", ":3:", "anchors"),
        ("    api_key: file:key.txt\n    retry: {attempts: 3}\n", ":4:", "max_attempts"),
        ("    api_key: file:key.txt\n    http2: true\n", ":4:", "HTTP/1.1"),
        ("    api_key: file:key.txt\n    headers: {authorization: sk-a-secret}\n", ":4:", "reference"),
        ("    api_key: file:key.txt\n    api_key: file:key.txt\n", ":4:", "twice"),
        ("    timeout: soon\n", ":3:", "timeout"),
    ];
    for (text, line, named) in cases {
        let file = Configured::new(&format!("providers:\n  acme:\n{text}"));
        let Err(Error::Config(facts)) = file.build() else { panic!("{text} passed") };
        let message = facts.message;
        assert!(message.contains(line) && message.contains(named), "{text}: {message}");
        assert!(!message.contains("sk-a-secret"), "{message}");
    }
}

/// Answers one CONNECT, and the request that then comes through; what it was sent.
async fn one_proxy(listener: TcpListener, answer: &'static str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = read_head(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    if answer.contains(" 200 ") {
        let request = read_head(&mut stream).await;
        let body = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(body.as_bytes()).await.unwrap();
        return head + &request;
    }
    head
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn through_proxy(answer: &'static str) -> (String, Result<serde_json::Value, Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://me:canary-password@{}", listener.local_addr().unwrap());
    let client = Client::builder(ACME)
        .api_key("sk-a-secret-key")
        .base_url("http://api.acme.test")
        .allow_insecure_http(true)
        .proxy(proxy)
        .max_attempts(1)
        .timeout(Timeout::After(20.0))
        .build()
        .unwrap();
    let params = Params::default();
    let call = client.call_json(&CHAT, &params, CallOptions::default());
    tokio::join!(one_proxy(listener, answer), call)
}

#[tokio::test]
async fn a_call_goes_through_the_proxy_which_sees_no_credential_of_the_provider() {
    let (seen, result) = through_proxy("HTTP/1.1 200 Connection established\r\n\r\n").await;
    assert!(result.is_ok());
    let (connect, request) = seen.split_once("\r\n\r\n").unwrap();
    assert!(connect.starts_with("CONNECT api.acme.test:80 HTTP/1.1\r\n"));
    assert!(connect.contains("Proxy-Authorization: Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk"));
    assert!(!connect.contains("sk-a-secret-key"));
    assert!(request.starts_with("POST /chat HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_an_error_without_its_password() {
    let (_, result) = through_proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Connect(_)));
    assert!(error.to_string().contains("407") && !format!("{error:?}").contains("canary-password"));
}
