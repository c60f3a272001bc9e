//! Alignment by sound: how much the clock of a report differs from that of its recording.
//!
//! No clock is trusted. The loudness of the recording (`levels`) tells where somebody speaks (`activity`). The intervals of
//! the report slide over that (`slide`), and where they fit best is the difference (`fit`). `align` tries the channels in
//! each arrangement and says how sure it is; `result` is what a call keeps of it.

mod levels;

mod activity;
mod slide;

mod fit;

mod align;

mod result;

pub use align::{Aligned, Said, align};
pub use levels::{FRAME_MS, Levels};
pub use result::Alignment;
