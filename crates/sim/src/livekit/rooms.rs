//! Rooms: opening and closing, people who join, speak and leave.

use std::sync::Arc;

use livekit_protocol as proto;
use proto::participant_info::{Kind as ProtoKind, KindDetail, State};
use proto::{DisconnectReason, ParticipantInfo, ParticipantPermission, Room, WebhookEvent};

use super::clock;
use super::egress::End;
use super::world::{Kind, OpenRoom, Person, Server};

const CODECS: [&str; 10] = [
    "audio/PCMU",
    "audio/PCMA",
    "audio/opus",
    "audio/red",
    "video/VP8",
    "video/H264",
    "video/VP9",
    "video/AV1",
    "video/H265",
    "video/rtx",
];
const EMPTY_TIMEOUT: u32 = 300;
const DEPARTURE_TIMEOUT: u32 = 20;

impl Server {
    /// Opens a room, or returns the open one with this name. Timeouts are in seconds.
    pub(super) fn open_room(
        &self,
        name: &str,
        metadata: &str,
        empty_timeout: Option<u32>,
        departure_timeout: Option<u32>,
    ) -> Room {
        let mut world = self.world();
        if let Some(open) = world.rooms.get(name) {
            return open.counted();
        }
        let room = Room {
            metadata: metadata.to_owned(),
            empty_timeout: empty_timeout.unwrap_or(EMPTY_TIMEOUT),
            departure_timeout: departure_timeout.unwrap_or(DEPARTURE_TIMEOUT),
            ..new_room(name, clock::id("RM_"))
        };
        let open = OpenRoom {
            room: room.clone(),
            people: Vec::new(),
            spoken: false,
        };
        self.send_room_event("room_started", &open.in_webhooks(), None);
        world.rooms.insert(name.to_owned(), open);
        room
    }

    /// Adds a room with this sid without a webhook, unless it is known.
    pub(super) fn adopt_room(&self, name: &str, sid: &str) {
        let open = OpenRoom {
            room: new_room(name, sid.to_owned()),
            people: Vec::new(),
            spoken: false,
        };
        let mut world = self.world();
        let known = world.rooms.get(name);
        if known.is_none_or(|known| known.room.sid != sid) {
            world.rooms.insert(name.to_owned(), open);
        }
    }

    /// Closes the room after its empty timeout if nobody has joined by then.
    pub(super) fn close_if_empty_later(self: &Arc<Self>, room: Room) {
        let server = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(room.empty_timeout.into())).await;
            let empty = |open: &OpenRoom| open.room.sid == room.sid && open.people.is_empty();
            let close = server.world().rooms.get(&room.name).is_some_and(empty);
            if close {
                server.close_room(&room.name, DisconnectReason::RoomClosed);
            }
        });
    }

    /// Adds a person to an open room.
    pub(super) fn join(&self, room: &str, person: Person) {
        let kind = match person.kind {
            Kind::Standard => ProtoKind::Standard,
            Kind::Agent => ProtoKind::Agent,
            Kind::Sip => ProtoKind::Sip,
            Kind::Connector => ProtoKind::Connector,
        };
        let info = ParticipantInfo {
            identity: person.identity,
            name: person.name,
            kind: kind.into(),
            attributes: person.attributes.into_iter().collect(),
            permission: Some(ParticipantPermission {
                can_subscribe: true,
                can_publish: true,
                can_publish_data: true,
                ..Default::default()
            }),
            client_protocol: 2,
            capabilities: vec![1, 2],
            ..Default::default()
        };
        self.enter(room, info);
    }

    /// Adds a simulator to an open room, as LiveKit Cloud marks it.
    pub(super) fn join_simulator(&self, room: &str, identity: &str) {
        let info = ParticipantInfo {
            identity: identity.to_owned(),
            kind_details: vec![KindDetail::Simulation.into()],
            client_protocol: 2,
            ..Default::default()
        };
        self.enter(room, info);
    }

    /// Adds an egress to a room as a hidden participant of its own kind.
    #[expect(deprecated, reason = "LiveKit still sends `recorder`")]
    pub(super) fn join_egress(&self, room: &str, egress_id: &str) {
        let permission = ParticipantPermission {
            can_subscribe: true,
            hidden: true,
            recorder: true,
            ..Default::default()
        };
        let info = ParticipantInfo {
            identity: egress_id.to_owned(),
            kind: ProtoKind::Egress.into(),
            permission: Some(permission),
            ..Default::default()
        };
        self.enter(room, info);
    }

    fn enter(&self, room: &str, mut info: ParticipantInfo) {
        let mut world = self.world();
        let Some(open) = world.rooms.get_mut(room) else {
            return;
        };
        let now = clock::now();
        info.sid = clock::id("PA_");
        info.state = State::Active.into();
        info.joined_at = now.as_second();
        info.joined_at_ms = now.as_millisecond();
        info.version = 2;
        open.people.push(info.clone());
        self.send_room_event("participant_joined", &open.in_webhooks(), Some(info));
    }

    /// Removes a participant from an open room.
    pub(super) fn leave(&self, room: &str, identity: &str, reason: DisconnectReason) {
        if let Some(open) = self.world().rooms.get_mut(room) {
            self.exit(open, identity, reason);
        }
    }

    fn exit(&self, open: &mut OpenRoom, identity: &str, reason: DisconnectReason) {
        let Some(index) = open
            .people
            .iter()
            .position(|info| info.identity == identity)
        else {
            return;
        };
        let before = open.in_webhooks();
        let mut info = open.people.remove(index);
        let recorder = info.kind() == ProtoKind::Egress;
        info.state = State::Disconnected.into();
        info.version += 1;
        info.is_publisher = open.spoken && !recorder;
        info.disconnect_reason = reason.into();
        // LiveKit's counts lag behind, except for the recorder.
        let room = if recorder { open.in_webhooks() } else { before };
        self.send_room_event("participant_left", &room, Some(info));
    }

    /// A participant publishes a microphone. Nothing has been heard from it yet.
    pub(super) fn publish(&self, room: &str, identity: &str) {
        let world = self.world();
        let Some(open) = world.rooms.get(room) else {
            return;
        };
        let publisher = open.people.iter().find(|info| info.identity == identity);
        let Some(publisher) = publisher else { return };
        let event = WebhookEvent {
            event: "track_published".to_owned(),
            room: Some(Room {
                sid: open.room.sid.clone(),
                name: open.room.name.clone(),
                ..Default::default()
            }),
            participant: Some(ParticipantInfo {
                sid: publisher.sid.clone(),
                identity: publisher.identity.clone(),
                ..Default::default()
            }),
            track: Some(proto::TrackInfo {
                sid: clock::id("TR_"),
                name: "mic".to_owned(),
                source: proto::TrackSource::Microphone.into(),
                mime_type: "audio/red".to_owned(),
                stream: "camera".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.webhooks.send(&open.room.sid, event);
    }

    /// Sound arrives: the egresses of the room become ACTIVE.
    pub(super) fn speak(&self, room: &str) {
        let mut world = self.world();
        let Some(open) = world.rooms.get_mut(room) else {
            return;
        };
        open.spoken = true;
        let sid = open.room.sid.clone();
        for egress in world
            .egresses
            .iter_mut()
            .filter(|egress| egress.info.room_id == sid)
        {
            self.activate(egress);
        }
    }

    /// Closes an open room; false if there is none.
    pub(super) fn close_room(self: &Arc<Self>, room: &str, reason: DisconnectReason) -> bool {
        let mut world = self.world();
        let Some(mut open) = world.rooms.remove(room) else {
            return false;
        };
        // The recorder leaves last.
        open.people
            .sort_by_key(|info| info.kind() == ProtoKind::Egress);
        for info in open.people.clone() {
            let reason = if info.kind() == ProtoKind::Egress {
                DisconnectReason::RoomClosed
            } else {
                reason
            };
            self.exit(&mut open, &info.identity, reason);
        }
        self.send_room_event("room_finished", &open.in_webhooks(), None);
        let sid = &open.room.sid;
        let ending = world
            .egresses
            .iter()
            .filter(|egress| egress.info.room_id == *sid);
        let ending: Vec<_> = ending.map(|egress| egress.info.egress_id.clone()).collect();
        drop(world);
        for egress_id in ending {
            self.end_egress(&egress_id, End::SourceClosed);
        }
        true
    }

    fn send_room_event(&self, event: &str, room: &Room, participant: Option<ParticipantInfo>) {
        let event = WebhookEvent {
            event: event.to_owned(),
            room: Some(room.clone()),
            participant,
            ..Default::default()
        };
        self.webhooks.send(&room.sid, event);
    }
}

fn new_room(name: &str, sid: String) -> Room {
    let now = clock::now();
    let codec = |mime: &str| proto::Codec {
        mime: mime.to_owned(),
        ..Default::default()
    };
    Room {
        sid,
        name: name.to_owned(),
        empty_timeout: EMPTY_TIMEOUT,
        departure_timeout: DEPARTURE_TIMEOUT,
        creation_time: now.as_second(),
        creation_time_ms: now.as_millisecond(),
        turn_password: clock::id(&clock::id("")),
        enabled_codecs: CODECS.map(codec).to_vec(),
        ..Default::default()
    }
}

impl OpenRoom {
    /// The room in webhooks: without counts before the first recording, since LiveKit refreshes them late.
    fn in_webhooks(&self) -> Room {
        let counted = self.counted();
        if counted.active_recording {
            counted
        } else {
            self.room.clone()
        }
    }

    /// The room in ListRooms: agents and egresses do not count as participants (livekit-server's `IsDependent`).
    pub(super) fn counted(&self) -> Room {
        let of = |kind| {
            self.people
                .iter()
                .filter(|info| info.kind() == kind)
                .count()
        };
        let recorders = of(ProtoKind::Egress);
        let count = |people: usize| u32::try_from(people).unwrap_or(u32::MAX);
        let speakers = count(self.people.len() - recorders);
        Room {
            num_participants: speakers - count(of(ProtoKind::Agent)),
            num_publishers: if self.spoken { speakers } else { 0 },
            active_recording: recorders > 0,
            ..self.room.clone()
        }
    }
}
