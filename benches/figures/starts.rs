//! From `room_started` on the wire to StartRoomCompositeEgress on the wire: the first words matter.

use std::{collections::HashMap, time::Duration};

use anyhow::ensure;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{Figure, ms, percentile, service::Service};

const PER_SECOND: u32 = 50;
const SECONDS: u32 = 10;

pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let service = Service::start("room_started").await?;
    // The first second is for connections and caches of a process that has just started.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut opened = HashMap::new();
    for n in 0..PER_SECOND * SECONDS {
        ticks.tick().await;
        let room = format!("call-{n}");
        opened.insert(room.clone(), Instant::now());
        service.livekit.open_room(&room);
    }
    let asked = Instant::now();
    while service.livekit.starts().len() < opened.len() {
        ensure!(
            asked.elapsed() < Duration::from_secs(20),
            "rooms without a start"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let starts = service.livekit.starts();
    ensure!(starts.len() == opened.len(), "a room was started twice");
    let mut waits: Vec<Duration> = starts
        .iter()
        .filter_map(|(at, room)| Some(at.duration_since(*opened.get(room)?)))
        .collect();
    let (p50, p99) = (
        ms(percentile(&mut waits, 0.5)),
        ms(percentile(&mut waits, 0.99)),
    );
    Ok(vec![
        Figure::new(
            "from room_started to the start of the recording, 50 rooms per second",
            format!("{p50:.1} ms"),
            "median < 10 ms",
            p50 < 10.0,
        ),
        Figure::new("… p99", format!("{p99:.1} ms"), "< 30 ms", p99 < 30.0),
    ])
}
