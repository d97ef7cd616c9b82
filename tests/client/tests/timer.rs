//! Timers, called by the relay's worker: on time, whatever else fails, and for as long as something
//! is due.

use client::Server;
use client::postgres::Client;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

const CALLS: &str = "create table call (at timestamptz default clock_timestamp(), due timestamptz);
    create table wish (due timestamptz)";

/// Does nothing but note the call, and asks for the next wish.
const NOTE: &str = "create function note() returns timestamptz language plpgsql as $$
    declare coming timestamptz;
    begin
        delete from public.wish where due <= clock_timestamp();
        select min(due) into coming from public.wish;
        insert into public.call (due) values (coming);
        return coming;
    end $$";

fn wait(client: &mut Client, query: &str) {
    let until = Instant::now() + LIMIT;
    while !client.query_one(query, &[]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < until, "never: {query}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn started(server: &Server) -> Client {
    let mut client = server.connect("postgres");
    for statement in [
        "create extension realtime_sync",
        "create table job (id integer primary key)",
        "select realtime_sync.enable('job')",
        CALLS,
        NOTE,
        "select realtime_sync.add_timer('note', 'note()')",
    ] {
        client.batch_execute(statement).unwrap();
    }
    client
}

#[test]
fn a_timer_is_called_when_it_is_due() {
    let server = Server::start();
    let mut client = started(&server);
    client.batch_execute("insert into job values (1)").unwrap();
    wait(&mut client, "select count(*) > 0 from call");
    // One that came with an event, and is due a second later.
    for (id, delay) in [(2, 1_500), (3, 700), (4, 1_100)] {
        client
            .batch_execute(&format!(
                "begin;
                 insert into wish values (clock_timestamp() + interval '{delay} ms');
                 insert into job values ({id});
                 commit"
            ))
            .unwrap();
        wait(&mut client, "select count(*) = 0 from wish");
    }
    // Each call that a due one asked for came within a second of it.
    let late: f64 = client
        .query_one(
            "select max(extract(epoch from late))::float8
             from (select lead(at) over (order by at) - due as late from call) c",
            &[],
        )
        .unwrap()
        .get(0);
    assert!(late < 1.0, "{late} s late");
}

#[test]
fn a_failing_timer_stops_neither_the_relay_nor_the_others() {
    let server = Server::start();
    let mut client = started(&server);
    for statement in [
        "create function broken() returns timestamptz language plpgsql as $$ begin return 1 / 0; end $$",
        "create function slow() returns timestamptz language plpgsql as $$
            begin perform pg_sleep(60); return null; end $$",
        // It catches the cancel and goes on to what takes long too, until nothing is left to do.
        "create function stubborn() returns timestamptz language plpgsql as $$
            begin
                for n in 1..2 loop
                    begin perform pg_sleep(60); exception when query_canceled then null; end;
                end loop;
                return null;
            end $$",
        "select realtime_sync.add_timer('broken', 'broken()'), realtime_sync.add_timer('a slow one', 'slow()')",
        "select realtime_sync.add_timer('stubborn', 'stubborn()')",
        "insert into job values (1)",
    ] {
        client.batch_execute(statement).unwrap();
    }
    // The slow one takes seconds, in which one sees what the relay is at.
    wait(
        &mut client,
        "select count(*) > 0 from pg_stat_activity
         where backend_type = 'realtime_sync relay' and query = 'calling timers' and state = 'active'",
    );
    wait(
        &mut client,
        "select count(error) = 3 and max(error) filter (where name = 'broken') = 'division by zero'
            and min(error) filter (where name <> 'broken') = 'the function took longer than 5 s'
            and max(error) filter (where name <> 'broken') = 'the function took longer than 5 s'
         from realtime_sync.timer",
    );
    wait(&mut client, "select count(*) > 0 from call");
    for statement in [
        "create or replace function broken() returns timestamptz language sql as 'select null::timestamptz'",
        "create or replace function slow() returns timestamptz language sql as 'select null::timestamptz'",
        "create or replace function stubborn() returns timestamptz language sql as 'select null::timestamptz'",
    ] {
        client.batch_execute(statement).unwrap();
    }
    // Without a further event: it is called again.
    wait(
        &mut client,
        "select count(error) = 0 from realtime_sync.timer",
    );
}

#[test]
fn what_a_timer_sends_arrives() {
    let server = Server::start();
    let mut client = started(&server);
    for statement in [
        "create table flag (up boolean)",
        "insert into flag values (true)",
        "create function wave() returns timestamptz language plpgsql as $$
            begin
                delete from public.flag;
                if found then perform realtime_sync.send('flags', 'waved', '{}'); end if;
                return null;
            end $$",
        "select realtime_sync.add_timer('wave', 'wave()')",
        "insert into job values (1)",
    ] {
        client.batch_execute(statement).unwrap();
    }
    wait(
        &mut client,
        "select exists (
            select from json_array_elements(
                realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['flags']) -> 'events'
            ) e
            where e ->> 'event' = 'waved'
        )",
    );
}

#[test]
fn the_relay_stays_while_a_timer_is_due() {
    let server = Server::start();
    let mut client = started(&server);
    // Later than the half minute after which an idle relay leaves, and far too late to stay for.
    client
        .batch_execute(
            "begin;
             insert into wish values (clock_timestamp() + interval '34 s'), (clock_timestamp() + interval '2 days');
             insert into job values (1);
             commit",
        )
        .unwrap();
    wait(&mut client, "select count(*) = 1 from wish");
    let until = Instant::now() + LIMIT;
    let running =
        "select count(*) > 0 from pg_stat_activity where backend_type = 'realtime_sync relay'";
    while client.query_one(running, &[]).unwrap().get(0) {
        assert!(
            Instant::now() < until,
            "it stays for what is due in two days"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}
