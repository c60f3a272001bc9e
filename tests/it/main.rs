//! The service as a whole, on sockets, against the stand-ins and (in `real`) the real parts.

mod harness;
mod main_job;
mod real;
