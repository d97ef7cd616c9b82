-- disable() undoes exactly what enable() did, says whether there was anything, and spares what it did not make.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, code text not null unique, status text);
create table trips (id bigint primary key) partition by hash (id);
create table trips_a partition of trips for values with (modulus 1, remainder 0);
create function audit() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger audit after update on drivers for each row execute function audit();
create trigger by_hand after delete on drivers for each row execute function realtime_sync.capture('{}');
create temp table before as
select
    (select array_agg(t::text order by t.oid) from pg_trigger t where t.tgrelid in ('drivers'::regclass, 'trips'::regclass, 'trips_a'::regclass)) as triggers,
    (select array_agg(row(oid, relreplident, relacl, reloptions)::text order by oid) from pg_class where oid in ('drivers'::regclass, 'trips'::regclass, 'trips_a'::regclass)) as tables,
    (select array_agg(p::text) from pg_publication p) as publications,
    (select array_agg(r::text) from pg_publication_rel r) as published;
create view after as
select
    (select array_agg(t::text order by t.oid) from pg_trigger t where t.tgrelid in ('drivers'::regclass, 'trips'::regclass, 'trips_a'::regclass)) as triggers,
    (select array_agg(row(oid, relreplident, relacl, reloptions)::text order by oid) from pg_class where oid in ('drivers'::regclass, 'trips'::regclass, 'trips_a'::regclass)) as tables,
    (select array_agg(p::text) from pg_publication p) as publications,
    (select array_agg(r::text) from pg_publication_rel r) as published;
select realtime_sync.disable('drivers');
select (realtime_sync.enable('drivers', filter => 'new.status = ''on''', replica_mode => 'always', replica_identity => 'drivers_code_key', publication => 'feed')).relation;
select (realtime_sync.enable('trips', replica_identity => 'full', publication => 'feed')).relation;
select (select a from after a) is distinct from (select b from before b)::text::after as changed;
select realtime_sync.disable('drivers'), realtime_sync.disable('trips');
select realtime_sync.disable('drivers'), realtime_sync.disable('trips');
select a.triggers is not distinct from b.triggers as triggers, a.tables is not distinct from b.tables as tables,
    a.publications is not distinct from b.publications as publications, a.published is not distinct from b.published as published
from before b, after a;
-- All at once: what the caller owns.
select (realtime_sync.enable('drivers', publication => 'feed')).relation, (realtime_sync.enable('trips', publication => 'feed')).relation;
select realtime_sync.disable_all();
select realtime_sync.disable_all();
select a.triggers is not distinct from b.triggers as triggers, a.tables is not distinct from b.tables as tables,
    a.publications is not distinct from b.publications as publications, a.published is not distinct from b.published as published
from before b, after a;
-- Options that cannot be read any more: the triggers go all the same.
create trigger "00_realtime_sync_update" after update on drivers for each row execute function realtime_sync.capture('{"topics":');
select realtime_sync.disable('drivers');
-- Not a source, not a table, not there.
select realtime_sync.disable('drivers_pkey');
select realtime_sync.disable('pg_class');
select realtime_sync.disable(1::regclass);
select realtime_sync.disable(null);
rollback;
