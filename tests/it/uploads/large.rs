//! Hours of audio: memory stays flat.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{chat, head, header, multipart};
use crate::{
    harness::{World, eventually},
    play::text,
    uploads::spooled,
};

const MIB: usize = 1 << 20;
/// Of one upload.
const BYTES: usize = 500 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn half_a_gigabyte_of_audio_takes_no_memory() {
    let mut world = World::new().await;
    let mut serve = world.serve_apart().await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.fail_egress(&egress, "out of disk", 500);
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    let before = serve.peak_bytes();
    let parts = [
        header(&call, "AJ_1", 1_795_889_000, &json!({})),
        chat(&["A very long conversation."]),
        ("audio", super::ogg_head()),
    ];
    let empty = multipart(&parts);
    let end = empty.len() - b"\r\n--\r\n".len() - super::BOUNDARY.len() - 2;
    let mut socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let last = super::ogg_end(3600);
    let length = empty.len() + BYTES + last.len();
    let head = head(&format!("content-length: {length}"));
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&empty[..end]).await.unwrap();
    let piece = vec![7; MIB];
    for _ in 0..BYTES / MIB {
        socket.write_all(&piece).await.unwrap();
    }
    socket.write_all(&last).await.unwrap();
    socket.write_all(&empty[end..]).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let row = world.row_is(&call, "Complete").await;
    let size = BYTES + super::ogg_head().len() + last.len();
    assert_eq!(row["Recording size"], size, "{row:#?}");
    assert!(text(&row, "Error").contains("the agent's own audio"));
    let emptied = eventually(|| spooled(&world).is_empty().then_some(()));
    assert!(emptied.await.is_some());
    let more = serve.peak_bytes().saturating_sub(before) / MIB as u64;
    println!("{more} MiB more");
    assert!(more < 48, "{more} MiB");
    assert_eq!(serve.stop().await, Some(0));
}
