use super::batch::Batch;
use super::notify;
pub struct Sink {
    pub id: i32,
}
pub fn load() -> Vec<Sink> {
    vec![Sink { id: 1 }]
}
impl Sink {
    pub fn choose(&self, batch: &Batch) -> Vec<usize> {
        (0..batch.entries.len())
            .filter(|n| !batch.entries[*n].notified)
            .collect()
    }
    pub fn notifies(&self) -> bool {
        true
    }
    pub fn can_fail(&self) -> bool {
        false
    }
    pub fn send(&self, batch: &Batch, wanted: &[usize]) {
        for n in wanted {
            notify::send("realtime_sync", batch.text(&batch.entries[*n]));
        }
    }
}
