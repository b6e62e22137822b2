//! Files, lines and pages over a transport that is a script.

mod script;

use futures::{StreamExt as _, TryStreamExt as _};
use llm_forge_runtime::core::profile::{
    AnswerKind, BodyKind, BodyRule, Operation, PageRule, PageStyle, Replay,
};
use llm_forge_runtime::{to_json, CallOptions, Client, ClientOptions, Error, Lines, Page, Params, Upload};
use script::{client, hello, ACME, CHAT};
use serde_json::{json, Map, Value};

const UPLOAD: Operation = Operation {
    name: "files.create",
    method: "POST",
    path: "/files",
    has_body: true,
    replay: Replay::Safe,
    body: BodyRule {
        kind: BodyKind::Multipart,
        files: &["file"],
        deep: &["expires"],
        media_types: &[],
        ..BodyRule::JSON
    },
    ..Operation::DEFAULT
};
const CONTENT: Operation = Operation {
    name: "files.content",
    path: "/files/one.txt",
    answer: AnswerKind::Binary,
    accept: "application/octet-stream",
    ..Operation::DEFAULT
};
const LIST: Operation = Operation {
    name: "files.list",
    path: "/files",
    pages: Some(PageRule {
        style: PageStyle::Cursor,
        param: "after",
        next: "next",
        otherwise: Some(&PageRule {
            style: PageStyle::AfterId,
            param: "after",
            more: "more",
            ..PageRule::DEFAULT
        }),
        ..PageRule::DEFAULT
    }),
    ..Operation::DEFAULT
};

async fn sent_body(script: &script::Script, number: usize) -> String {
    let body = script.seen.lock().unwrap()[number].body.clone();
    let pieces: Vec<bytes::Bytes> = body.stream().try_collect().await.unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

#[tokio::test]
async fn a_form_is_the_same_on_every_attempt_and_its_files_start_where_they_stood() {
    let answers = [(500, "text/plain", ""), (200, "application/json", "{}")];
    let (client, script) = client(&answers, ClientOptions::default());
    let mut file = std::io::Cursor::new(b"0123the rest".to_vec());
    file.set_position(4);
    let params = Params {
        body: json!({"purpose": "batch", "none": null, "expires": {"after": 7}}),
        files: vec![("file".into(), Upload::seekable("a\r\n\".jsonl", file).await.unwrap())],
        ..Params::default()
    };
    client.call_json(&UPLOAD, &params, CallOptions::default()).await.unwrap();
    let (first, second) = (sent_body(&script, 0).await, sent_body(&script, 1).await);
    assert_eq!(first, second);
    let boundary = "0".repeat(32); // as the client's source of chance gives it
    let wanted = [
        ("name=\"expires[after]\"", "7"),
        ("name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/jsonl", "the rest"),
        ("name=\"purpose\"", "batch"),
    ];
    let part = |(head, content)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    assert_eq!(first, wanted.map(part).concat() + &format!("--{boundary}--\r\n"));
}

#[tokio::test]
async fn what_can_be_read_once_is_sent_once() {
    let (client, script) =
        client(&[(500, "text/plain", ""), (200, "application/json", "{}")], ClientOptions::default());
    let upload = Upload::reader("a.txt", std::io::Cursor::new(b"content".to_vec()));
    let params = Params { files: vec![("file".into(), upload)], ..Params::default() };
    let failed = client.call_json(&UPLOAD, &params, CallOptions::default()).await;
    assert!(matches!(failed, Err(Error::Server(_))));
    assert_eq!(script.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_text_in_the_place_of_a_file_is_refused_before_any_request() {
    let (client, script) = client(&[], ClientOptions::default());
    let params = Params { body: json!({"file": "path/to.txt"}), ..Params::default() };
    let refused = client.call_json(&UPLOAD, &params, CallOptions::default()).await;
    assert!(matches!(refused, Err(Error::InvalidRequest(_))));
    assert!(script.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_is_stored_whole_under_its_name() {
    let (client, _) = client(&[(200, "application/octet-stream", "content")], ClientOptions::default());
    let folder = std::env::temp_dir().join(format!("forge-test-{}", fastrand::u64(..)));
    std::fs::create_dir(&folder).unwrap();
    let download = client.download(&CONTENT, &Params::default(), CallOptions::default()).await.unwrap();
    let path = download.to_file(&folder).await.unwrap();
    assert_eq!(path, folder.join("one.txt"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "content");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn lines_come_one_by_one_and_a_torn_one_is_an_error() {
    let text = "{\"n\":1}\r\n\n{\"n\":2}\n{\"n";
    let (client, _) = client(&[(200, "application/jsonl", text)], ClientOptions::default());
    let mut lines: Lines =
        client.lines_url("https://api.acme.test/results", CallOptions::default()).await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), json!({"n": 1}));
    assert_eq!(lines.next().await.unwrap().unwrap(), json!({"n": 2}));
    let Some(Err(Error::StreamInterrupted(facts))) = lines.next().await else {
        panic!("the torn line passed");
    };
    assert_eq!((facts.partial, facts.events_seen, facts.mid_stream), (Some(json!("{\"n")), Some(2), true));
    assert!(lines.next().await.is_none());
}

async fn items(client: &Client) -> Result<Vec<Value>, Error> {
    let first: Page = client.pages(&LIST, &Params::default(), CallOptions::default()).await?;
    first.into_items().try_collect().await
}

#[tokio::test]
async fn pages_are_followed_by_the_cursor_and_otherwise_by_the_last_id() {
    let answers = [
        (200, "application/json", r#"{"data":[{"id":"a"}],"next":"c1","more":true}"#),
        (200, "application/json", r#"{"data":[{"id":"b"}],"more":true}"#),
        (200, "application/json", r#"{"data":[{"id":"c"}],"more":false}"#),
    ];
    let (client, script) = client(&answers, ClientOptions::default());
    assert_eq!(items(&client).await.unwrap(), [json!({"id": "a"}), json!({"id": "b"}), json!({"id": "c"})]);
    let urls: Vec<String> = script.seen.lock().unwrap().iter().map(|sent| sent.url.clone()).collect();
    assert_eq!(urls, ["", "?after=c1", "?after=b"].map(|query| format!("{}/files{query}", ACME.base_url)));
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error() {
    let again = (200, "application/json", r#"{"data":[{"id":"a"}],"next":"c1"}"#);
    let (client, _) = client(&[again; 3], ClientOptions::default());
    assert!(matches!(items(&client).await, Err(Error::InvalidResponse(_))));
}

#[tokio::test]
async fn the_strict_refuse_a_result_without_a_required_field() {
    let strict = Operation { required: &["id", "choices.*.index"], ..CHAT };
    let answer = (200, "application/json", r#"{"id":null,"choices":[{"index":0},{}]}"#);
    let (client, _) = client(&[answer; 2], ClientOptions::default());
    assert!(client.call_json(&strict, &hello(), CallOptions::default()).await.is_ok());
    let options = CallOptions { strict: Some(true), ..CallOptions::default() };
    let refused = client.call_json(&strict, &hello(), options).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidResponse(_)));
    assert!(refused.to_string().contains("choices.*.index"));
}

#[test]
fn numbers_that_json_has_no_word_for_are_refused_wherever_they_stand() {
    #[derive(serde::Serialize)]
    struct Request {
        list: Vec<Option<f32>>,
        #[serde(flatten)]
        extra: Map<String, Value>,
    }
    let request = |number| Request { list: vec![None, Some(number)], extra: Map::new() };
    assert_eq!(to_json(&request(0.5)).unwrap(), json!({"list": [null, 0.5]}));
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(to_json(&request(number)), Err(Error::InvalidRequest(_))));
    }
}

#[test]
fn a_builder_makes_a_client_or_says_what_is_missing() {
    assert!(matches!(Client::builder(ACME).build(), Err(Error::Config(_))));
    assert!(matches!(Client::builder(ACME).api_key("k").max_attempts(99).build(), Err(Error::Config(_))));
    let client = Client::builder(ACME).api_key("sk-a-secret-key").base_url("http://127.0.0.1:9/v1").build();
    assert_eq!(format!("{:?}", client.unwrap()), "Client(acme at http://127.0.0.1:9/v1)");
}
