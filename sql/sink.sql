create table realtime_sync.sink_definition (
    id integer primary key,
    name text not null,
    dialect text not null default 'native',
    target text,
    topics text[],
    payload text not null default 'full' check (payload in ('full', 'reference')),
    owner regrole not null default current_user::regrole,
    created timestamptz not null default pg_catalog.now(),
    dropped timestamptz
);
insert into realtime_sync.sink_definition (id, name) values (1, 'notify');
