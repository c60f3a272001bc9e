//! How requests are authorized.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The schemes by name.
pub(super) fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let api_token = "API_TOKEN, or a token of API_TOKENS with the scope that the request names";
    let livekit = "A LiveKit access token that LIVEKIT_API_KEY, or a key of LIVEKIT_WEBHOOK_KEYS, has signed. Its `room` must be the \
                   room of the request; `roomAdmin` sends transcripts, `roomRecord` starts and stops recordings";
    let webhook = "LiveKit's signature of a webhook: a JWT without `Bearer`, signed with LIVEKIT_API_KEY or a key of \
                   LIVEKIT_WEBHOOK_KEYS, with the claims `exp` and `sha256`, the Base64 of the body's SHA-256";
    let bearer = |description: &str| {
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
    };
    let signature = ApiKeyValue::with_description("Authorization", webhook);
    [
        ("api_token", SecurityScheme::Http(bearer(api_token).build())),
        (
            "livekit_token",
            SecurityScheme::Http(bearer(livekit).bearer_format("JWT").build()),
        ),
        (
            "webhook_signature",
            SecurityScheme::ApiKey(ApiKey::Header(signature)),
        ),
    ]
}
