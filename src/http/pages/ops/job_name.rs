//! What the jobs do, for people; a job that has no name here is shown as `/readyz` and the log name it.

/// The job in plain words.
pub(super) fn job_name(job: &str) -> &str {
    match job {
        "agent_audio" => "Takes the agents' own audio",
        "airtable" => "Writes rows to Airtable",
        "alignment" => "Listens to recordings",
        "audit" => "Writes the audit trail",
        "clock" => "Watches the clock",
        "egress" => "Starts and stops recordings",
        "intake" => "Processes what comes in",
        "intake_large" => "Processes large transcripts",
        "keep" => "Deletes what is old",
        "links" => "Renews links",
        "livekit_keys" => "Watches LiveKit's keys",
        "mirror" => "Sends to the mirror",
        "reconcile" => "Compares with LiveKit",
        "storage" => "Looks for recordings in the bucket",
        "watch" => "Looks for what needs attention",
        other => other,
    }
}
