//! A rush on other days: what is left of the month is for final rows on each of them.

use super::{Rig, Settings, clock};

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_of_a_rush_leave_the_requests_to_final_rows_on_any_day() {
    let (clock, hands) = clock!("2026-11-01T00:00:01Z");
    for day in [
        "2026-11-01T00:00:01Z",
        "2026-11-15T12:00:00Z",
        "2026-12-31T22:00:00Z",
        "2027-02-28T20:00:00Z",
        "2028-02-29T23:00:00Z",
    ] {
        hands.set(day);
        let rig = Rig::new(0.0).await;
        let process = rig.process(Settings {
            monthly_requests: Some(12),
            clock,
            ..Settings::default()
        });
        rig.owe(0..60, false, clock()).await;
        process.drain().await;
        let spent_live = rig.used(clock()).await;
        assert!(
            spent_live <= 3,
            "{day}: {spent_live} for rows of open calls"
        );
        hands.forward(600);
        for n in (0..60).step_by(5) {
            rig.owe(n..n + 5, true, clock()).await;
            process.drain().await;
        }
        let finals = rig.rows().await.into_iter();
        let finals = finals.filter(|row| row["Status"] == "No recording").count();
        assert_eq!(finals, 60, "{day}: every final row is written");
        assert!(rig.used(clock()).await <= 12, "{day}");
    }
}
