//! The stand-in for LiveKit against LiveKit's own client, and its webhooks against bodies that a real server sent.

mod api;
mod egress;
mod mp3;
mod others;
mod shape;
mod webhooks;
mod world;
