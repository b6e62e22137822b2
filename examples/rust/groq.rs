//! A tour of Groq's client in Rust, against the simulator: chat in three ways, audio, models, and what the client
//! knows of the provider's health, limits and circuits. No key, no network.
//!
//!     llm-forge generate groq --lang rust --out llm-forge-groq
//!     cargo add --path llm-forge-groq; cargo add futures; cargo add tokio --features rt,macros
//!     eval "$(llm-forge simulate)"; cargo run

use std::io::Write as _;

use futures::StreamExt as _;
use groq::runtime::Upload;
use groq::types::{ChatCompletionRequest, TranscriptionRequest, TranslationRequest, UserMessageParam};
use groq::{CallOptions, Client, Result, Timeout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // GROQ_API_KEY and GROQ_BASE_URL come from the environment; all else has defaults.
    let patient = Client::builder().timeout(Timeout::After(120.0)).max_attempts(5).build()?;
    // A copy shares connections, limits and circuits, and has options of its own.
    let options = CallOptions { timeout: Some(Timeout::After(30.0)), ..CallOptions::default() };
    let client = patient.with_options(&options)?;
    chat(&client).await?;
    audio(&client).await?;

    let models = client.models().list(CallOptions::default()).await?;
    println!("models: {}", models.data.map_or(0, |models| models.len()));

    let health = client.health_check(CallOptions::default()).await?;
    println!("health: {}", health.is_some());
    println!("limits: {}", !client.rate_limit_status().is_empty());
    println!("circuits: {:?}", client.circuit_states());
    patient.close().await;
    Ok(())
}

async fn chat(client: &Client) -> Result<()> {
    let messages = vec![UserMessageParam::new("Say hello.").into()];
    let request = ChatCompletionRequest::new("llama-3.3-70b-versatile", messages).temperature(0.2);
    let completions = client.chat().completions();

    // One call, whole.
    let answer = completions.create(&request, CallOptions::default()).await?;
    println!("unary: {}", answer.choices.map_or(0, |choices| choices.len()));

    // The same, piece by piece.
    let mut stream = completions.create_stream(&request, CallOptions::default()).await?;
    print!("stream: ");
    while let Some(chunk) = stream.next().await {
        for choice in chunk?.choices.unwrap_or_default() {
            print!("{}", choice.delta.and_then(|delta| delta.content.flatten()).unwrap_or_default());
        }
        std::io::stdout().flush().ok();
    }

    // Only the whole message of a stream, with options of the call.
    let options = CallOptions { idle_timeout: Some(10.0), ..CallOptions::default() };
    let whole = completions.create_stream(&request, options).await?.collect_message().await?;
    println!("\ncollect: {:?}", whole.usage.and_then(|usage| usage.completion_tokens));
    Ok(())
}

async fn audio(client: &Client) -> Result<()> {
    let file = Upload::bytes("hello.wav", "RIFF....WAVEfmt ");
    let request = TranscriptionRequest::new("whisper-large-v3").file(file.clone());
    let transcription = client.audio().transcriptions().create(&request, CallOptions::default()).await?;
    println!("transcription: {}", transcription.text.unwrap_or_default());
    let request = TranslationRequest::new("whisper-large-v3").file(file);
    let translation = client.audio().translations().create(&request, CallOptions::default()).await?;
    println!("translation: {}", translation.text.unwrap_or_default());
    Ok(())
}
