//! The service as a whole, on sockets, against the stand-ins and (in `real`) the real parts.

mod ends;
mod harness;
mod links;
mod main_job;
mod mirror;
mod play;
mod recordings;
