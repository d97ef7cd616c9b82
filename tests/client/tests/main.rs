//! One program: each of 25 was compiled and linked for itself, which took minutes.

mod backlog;
mod bulk;
mod coalesce;
mod crash;
mod databases;
mod dump;
mod failover;
mod faults;
mod harness;
mod held;
mod notify;
mod offers;
mod order;
mod places;
mod presence;
mod relay_crash;
mod replay;
mod replication;
mod schema;
mod segments;
mod sinks;
mod stuck_listener;
mod throttle;
mod timer;
mod upgrade;
mod worker;
