//! A service that nothing happens to: how long it takes to start a recording says how busy the machine is.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio_util::task::AbortOnDropHandle;

use crate::harness::World;

/// How many starts count.
const LATEST: usize = 10;
/// How often it is asked to start one.
const EVERY: Duration = Duration::from_secs(1);

/// It is asked for starts until it is dropped.
pub(super) struct Reference {
    starts: Arc<Mutex<Starts>>,
    _asking: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Starts {
    /// How long the latest starts took.
    took: VecDeque<Duration>,
    /// Since when one is waited for.
    asked: Option<Instant>,
}

impl Reference {
    pub(super) async fn start() -> Reference {
        let world = World::with(&[("RECORD_ROOMS", "live-*")]).await;
        let starts = Arc::new(Mutex::new(Starts::default()));
        let asking = ask(world, starts.clone());
        Reference {
            starts,
            _asking: AbortOnDropHandle::new(tokio::spawn(asking)),
        }
    }

    /// The slowest of the latest starts; the one that is waited for counts.
    pub(super) fn slowest(&self) -> Duration {
        let starts = self.starts.lock().unwrap();
        let waiting = starts.asked.map(|asked| asked.elapsed());
        let all = starts.took.iter().copied().chain(waiting);
        all.max().unwrap_or_default()
    }
}

async fn ask(world: World, starts: Arc<Mutex<Starts>>) {
    for n in 0.. {
        let room = format!("live-{n}");
        let asked = Instant::now();
        starts.lock().unwrap().asked = Some(asked);
        world.livekit.open_room(&room);
        world.livekit.speak(&room);
        world.starts(&room, 1).await;
        {
            let mut starts = starts.lock().unwrap();
            starts.asked = None;
            starts.took.push_back(asked.elapsed());
            if starts.took.len() > LATEST {
                starts.took.pop_front();
            }
        }
        world.livekit.close_room(&room);
        tokio::time::sleep(EVERY).await;
    }
}
