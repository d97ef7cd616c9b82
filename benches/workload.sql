-- What every benchmark starts from: the two tables (copied once per variant) and the triggers that others write by hand.
create schema bench;

create table bench.wide (
    id int8 primary key,
    vehicle uuid not null,
    name text not null,
    status text not null,
    is_online bool not null,
    latitude float8 not null,
    longitude float8 not null,
    battery int4,
    rating numeric(4, 2) not null,
    settings jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table bench.narrow (
    id int8 primary key,
    status text not null,
    speed float8 not null,
    updated_at timestamptz not null
);

-- every value follows from the id: two runs, or two machines, encode the same bytes
insert into bench.wide
select
    i,
    md5(i::text)::uuid,
    'Driver number ' || i,
    case i % 3 when 0 then 'available' when 1 then 'on_trip' else 'offline' end,
    i % 2 = 0,
    52.52 + i * 0.000137,
    13.405 - i * 0.000173,
    nullif(i % 101, 0),
    1 + (i % 400) / 100.0,
    jsonb_build_object(
        'app', '4.18.' || i % 10, 'os', 'android', 'language', 'de', 'push', i % 2 = 0,
        'vehicle', jsonb_build_object('seats', 4, 'plate', 'B-RS ' || i % 10000)
    ),
    timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second',
    timestamptz '2026-11-01 00:00:00.123456+00' + i * interval '1 millisecond'
from generate_series(1, :rows) as i;

insert into bench.narrow
select
    i,
    case i % 3 when 0 then 'available' when 1 then 'on_trip' else 'offline' end,
    i * 0.137,
    timestamptz '2026-11-01 00:00:00.123456+00' + i * interval '1 millisecond'
from generate_series(1, :rows) as i;

create function bench.nothing() returns trigger language plpgsql as $$
begin
    return null;
end
$$;

create function bench.notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('bench', json_build_object(
        'type', tg_op, 'schema', tg_table_schema, 'table', tg_table_name,
        'new', row_to_json(new), 'old', row_to_json(old), 'timestamp', now()
    )::text);
    return null;
end
$$;

create table bench.outbox (
    id bigserial primary key,
    at timestamptz not null default now(),
    payload json not null
);

create function bench.outbox() returns trigger language plpgsql as $$
begin
    insert into bench.outbox (payload) values (json_build_object(
        'type', tg_op, 'schema', tg_table_schema, 'table', tg_table_name,
        'new', row_to_json(new), 'old', row_to_json(old), 'timestamp', now()
    ));
    return null;
end
$$;
