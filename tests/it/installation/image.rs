//! The file tree of the container image, made by the same steps, with the same user, a read-only root and no shell.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    harness::{PATIENCE, World, caller},
    process::output,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Mounts the tree read-only but for its folder /data, and runs a command in it. Without root, the user is root of the
/// namespace.
const RUN: &str = r#"
mount --bind "$0" "$0"
mount --bind "$0/data" "$0/data"
mount --rbind /proc "$0/proc"
mount -o remount,ro,bind "$0"
[ "$IS_ROOT" = yes ] && user="--setgid 65532 --setuid 65532" || user=
unset IS_ROOT
exec unshare $user --root="$0" --wd=/data /usr/local/bin/livekit-airtable "$@"
"#;

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    uids(&status) == "0"
}

fn uids(status: &str) -> &str {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.unwrap().split_whitespace().next().unwrap()
}

/// A command in the image.
fn in_image(tree: &Path, args: &[&str], settings: &[(String, String)]) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["/bin/sh", "-e", "-c", RUN]).arg(tree);
    command.args(args).env_clear();
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("IS_ROOT", if is_root() { "yes" } else { "no" });
    command.stdin(Stdio::null());
    command
}

async fn address(tree: &Path, child: &mut Child) -> String {
    let begun = Instant::now();
    loop {
        let address = std::fs::read_to_string(tree.join("data/address"));
        if let Some(address) = address.unwrap_or_default().strip_suffix('\n') {
            return address.to_owned();
        }
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert!(begun.elapsed() < PATIENCE, "it does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_images_tree_runs_as_another_user_with_a_read_only_root() {
    let mut world = World::new().await;
    world.stop().await;
    let tree = world.folder.path().join("image");
    let made = Command::new(format!("{ROOT}/deploy/image-tree"))
        .args([
            env!("CARGO_BIN_EXE_livekit-airtable"),
            tree.to_str().unwrap(),
        ])
        .status();
    assert!(made.unwrap().success());
    // A container's runtime adds it.
    std::fs::copy("/etc/hosts", tree.join("etc/hosts")).unwrap();
    // The tree's user must be able to traverse it.
    open_for_all(world.folder.path());
    let mut settings = world.settings().to_vec();
    settings.retain(|(name, _)| name != "DATABASE_URL");
    for (name, value) in &mut settings {
        if name == "AIRTABLE_API_URL" {
            *value = value.replace("127.0.0.1", "localhost");
        }
    }
    settings.push(("MALLOC_MMAP_THRESHOLD_".into(), "262144".into()));
    settings.push(("MALLOC_ARENA_MAX".into(), "2".into()));
    let args = ["serve", "--addr-file", "/data/address"];
    let mut child = in_image(&tree, &args, &settings).spawn().unwrap();
    let address = address(&tree, &mut child).await;
    world.is_served_at(&address);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    if is_root() {
        assert_eq!(uids(&status), "65532");
    }
    let call = world.livekit.open_room("contained");
    world.livekit.join("contained", caller("+15551234567"));
    world.starts("contained", 1).await;
    world.livekit.speak("contained");
    world.livekit.close_room("contained");
    world.row_is(&call, "Complete").await;
    let listen = [("LISTEN_ADDR".to_owned(), address)];
    let checked = output(&mut in_image(&tree, &["healthcheck"], &listen));
    assert!(checked.status.success(), "{checked:?}");
    settings.push(("DATABASE_URL".into(), "sqlite:/elsewhere.db".into()));
    let refused = output(&mut in_image(&tree, &["serve"], &settings));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("database"), "{said}");
    assert!(!tree.join("elsewhere.db").exists());
    let sent = Command::new("kill").arg(child.id().to_string()).status();
    assert!(sent.unwrap().success());
    let ended = tokio::task::spawn_blocking(move || child.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
    assert!(tree.join("data/livekit-airtable.db").exists());
}

fn open_for_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, mode).unwrap();
}

#[test]
fn what_the_image_runs_is_what_this_test_runs() {
    let image = std::fs::read_to_string(format!("{ROOT}/Dockerfile")).unwrap();
    for line in [
        "    deploy/image-tree target/dist/livekit-airtable /image",
        "COPY --from=build /image /",
        "ENV MALLOC_MMAP_THRESHOLD_=262144 MALLOC_ARENA_MAX=2",
        "USER 65532:65532",
        "WORKDIR /data",
        r#"ENTRYPOINT ["/usr/local/bin/livekit-airtable"]"#,
        r#"CMD ["serve"]"#,
    ] {
        assert!(image.lines().any(|it| it == line), "{line}");
    }
    let compose = std::fs::read_to_string(format!("{ROOT}/compose.yaml")).unwrap();
    assert_eq!(compose.matches("read_only: true").count(), 2);
}
