//! The answers as flags, named as the variables.

/// Every value may also come from the environment, which is safer for secrets: others see a command's arguments.
#[derive(clap::Args)]
pub(in crate::cli) struct InitArgs {
    /// wss://….livekit.cloud, or another address of LiveKit
    #[arg(long, value_name = "URL")]
    livekit_url: Option<String>,
    /// The key of your LiveKit project
    #[arg(long, value_name = "KEY")]
    livekit_api_key: Option<String>,
    /// Its secret
    #[arg(long, value_name = "SECRET")]
    livekit_api_secret: Option<String>,
    /// The storage's address; empty: AWS
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// The bucket's name
    #[arg(long, value_name = "NAME")]
    s3_bucket: Option<String>,
    /// The bucket's region, if the address does not say it
    #[arg(long, value_name = "REGION")]
    s3_region: Option<String>,
    /// The access key of the bucket
    #[arg(long, value_name = "KEY")]
    s3_access_key: Option<String>,
    /// Its secret
    #[arg(long, value_name = "SECRET")]
    s3_secret_key: Option<String>,
    /// A personal access token of Airtable, pat…
    #[arg(long, value_name = "TOKEN")]
    airtable_token: Option<String>,
    /// The base, app…
    #[arg(long, value_name = "ID")]
    airtable_base_id: Option<String>,
    /// https://…, where LiveKit reaches this service
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl InitArgs {
    /// The flags that were given, as variables.
    pub(super) fn given(self) -> Vec<(String, String)> {
        let all = [
            ("LIVEKIT_URL", self.livekit_url),
            ("LIVEKIT_API_KEY", self.livekit_api_key),
            ("LIVEKIT_API_SECRET", self.livekit_api_secret),
            ("S3_ENDPOINT", self.s3_endpoint),
            ("S3_BUCKET", self.s3_bucket),
            ("S3_REGION", self.s3_region),
            ("S3_ACCESS_KEY", self.s3_access_key),
            ("S3_SECRET_KEY", self.s3_secret_key),
            ("AIRTABLE_TOKEN", self.airtable_token),
            ("AIRTABLE_BASE_ID", self.airtable_base_id),
            ("PUBLIC_URL", self.public_url),
        ];
        let given = all.into_iter();
        given
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}
