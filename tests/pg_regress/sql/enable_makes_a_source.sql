-- One call writes the triggers, gives the row of realtime_sync.source, and \d shows it all.
\set SHOW_CONTEXT never
begin;
create table drivers (id bigint primary key, is_online boolean, status text, secret text);
\x on
select * from realtime_sync.enable('drivers');
select * from realtime_sync.enable(
    'drivers',
    operations => array['UPDATE', 'insert', 'update'],
    topics => array['driver:{id}', '{schema}.{table}'],
    exclude => array['secret'],
    watch => array['is_online', 'status'],
    filter => 'new.status <> ''draft''',
    new_row => 'changed',
    old_row => 'none',
    key_columns => array['id'],
    event_name => 'driver_moved',
    status_columns => array['status'],
    numbers => 'text',
    replica_mode => 'always'
);
\x off
\d drivers
rollback;
