//! Runs the demo.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    pin::pin,
    time::Instant,
};

use super::{story::Story, world::World};
use crate::cli::console::{output::print_line, signal::shutdown};

#[derive(clap::Args)]
pub(in crate::cli) struct DemoArgs {
    /// Exit when the rows are written
    #[arg(long)]
    once: bool,
    /// Port of the service; 0 picks a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Whether the demo keeps running after the last call.
enum Then {
    Stay,
    End,
}

/// Plays the demo in a temporary folder.
pub(in crate::cli) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("livekit-airtable-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let done = play(&args, &folder).await;
    std::fs::remove_dir_all(&folder).ok();
    done
}

async fn play(args: &DemoArgs, folder: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    // Otherwise the error would name a variable, and the demo has none.
    if let Err(error) = std::net::TcpListener::bind(own) {
        anyhow::bail!("--port: cannot listen on {own}: {error}; choose another port");
    }
    // From the first moment on: a process that the signal itself ends would leave its folder behind.
    let mut stop = pin!(shutdown());
    let world = tokio::select! {
        world = World::start(args.port, folder.to_owned()) => world?,
        stopped = &mut stop => return stopped,
    };
    world.introduce()?;
    if !args.once {
        world.show_pages()?;
    }
    let mut story = Story::new(&world, started);
    let then = tokio::select! {
        played = story.play() => played.map(|()| if args.once { Then::End } else { Then::Stay }),
        stopped = &mut stop => stopped.map(|()| Then::End),
    };
    if let Ok(Then::Stay) = then {
        print_line("\nThe link above plays in a browser.\n")?;
        world.show_pages()?;
        print_line("Press Ctrl-C to end the demo.")?;
        stop.await?;
    }
    world.stop().await;
    then.map(|_| ())
}
